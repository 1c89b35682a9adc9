//! What is not known of a request, and which expressions may look at it.

use ironhull_cel::Part;
use ironhull_cel::policy::Named;
use ironhull_controls::left_out::{self, Reads};

use crate::expression::Expression;

/// What is not known of a request, and how expressions name it: inputs, or members of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unknown {
    /// In words.
    what: &'static str,
    named: &'static [(&'static str, &'static str)],
}

pub(crate) const CONVERTED: Unknown =
    Unknown::new("the object as the API server converts it", &[("object", ""), ("oldObject", "")]);
pub(crate) const OBJECT: Unknown = Unknown::new("the object", &[("object", "")]);
pub(crate) const OLD_OBJECT: Unknown =
    Unknown::new("the object that is there", &[("oldObject", "")]);
pub(crate) const NAMESPACE: Unknown = Unknown::new("the Namespace", &[("namespaceObject", "")]);
pub(crate) const USER: Unknown = Unknown::new(
    "who asks",
    &[("request", "userInfo"), ("authorizer", ""), ("authorizer.requestResource", "")],
);
pub(crate) const NAME: Unknown =
    Unknown::new("the generated name", &[("request", "name"), ("object", "metadata")]);
pub(crate) const DRY_RUN: Unknown =
    Unknown::new("whether it is a dry run", &[("request", "dryRun")]);
pub(crate) const OPTIONS: Unknown =
    Unknown::new("the options of the request", &[("request", "options")]);
pub(crate) const PLACE: Unknown = Unknown::new(
    "the namespace of the object",
    &[("request", "namespace"), ("object", "metadata")],
);

impl Unknown {
    const fn new(what: &'static str, named: &'static [(&'static str, &'static str)]) -> Unknown {
        Unknown { what, named }
    }

    /// Whether an expression that names so much may look at it.
    fn is_seen(&self, expression: &[Named]) -> bool {
        let is_it = |named: &Named, (input, member): &(&str, &str)| {
            let is_inside = member.is_empty() || named.member.is_none();
            named.input == *input && (is_inside || named.member.as_deref() == Some(*member))
        };
        expression.iter().any(|named| self.named.iter().any(|own| is_it(named, own)))
    }
}

/// What is not known that an expression read, or may have read.
pub(crate) fn missing(
    unknown: &[Unknown],
    parts: &[Part<'_>],
    expression: &Expression,
    reads: &Reads<'_>,
) -> String {
    let seen = unknown.iter().filter(|unknown| unknown.is_seen(&expression.named));
    let seen: Vec<&str> = seen.map(|unknown| unknown.what).collect();
    let may_see = |input| expression.named.iter().any(|named| named.input == input);
    let parts = if may_see("object") || may_see("params") { parts } else { &[] };
    left_out::missing(&seen, parts, reads)
}
