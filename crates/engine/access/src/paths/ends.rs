//! Ways as a picture shows them: thousands may lead to the same thousands, and are drawn to
//! all of them at once.

use std::fmt;

use super::open::{Gain, Set};
use super::{Escalation, Power};
use crate::escalation::Way;

/// What a way leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// One power.
    One(Power),
    /// Many together.
    Many(Many),
}

/// Many powers that ways give together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Many(Set);

impl Escalation<'_, '_> {
    /// The ways that are open from a power, each with what it leads to.
    pub fn ends(&self, from: &Power) -> Vec<(&'static Way, End)> {
        let mut ends = Vec::new();
        for open in self.open_from(from) {
            for gain in open.gains {
                match gain {
                    Gain::One(power, _) => ends.push((open.way, End::One(power))),
                    // Each is somebody's own: nobody else leads there.
                    Gain::All(set @ Set::As(..)) => {
                        ends.extend(self.members(&set).map(|power| (open.way, End::One(power))));
                    }
                    Gain::All(set) => ends.push((open.way, End::Many(Many(set)))),
                }
            }
        }
        ends
    }

    /// Each of many.
    pub fn each(&self, many: &Many) -> impl Iterator<Item = Power> {
        self.members(&many.0)
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = |namespace: &'_ Option<String>| namespace.clone().unwrap_or("*".to_owned());
        match &self.0 {
            Set::Accounts(there) => write!(f, "sa:{}/*", own(there)),
            Set::AccountsNamed(name) => write!(f, "sa:*/{name}"),
            Set::Running(there) => write!(f, "sa:{}/* of pods", own(there)),
            Set::RunningOn(node) => write!(f, "sa:*/* of pods on {node}"),
            Set::RunningNamed(there, name) => write!(f, "sa:{}/* of pods {name}", own(there)),
            Set::Tokens(there) => write!(f, "sa:{}/* of token Secrets", own(there)),
            Set::TokensNamed(there, name) => {
                write!(f, "sa:{}/* of token Secrets {name}", own(there))
            }
            Set::Held(there, None) => write!(f, "secrets-of-pods:{}", own(there)),
            Set::Held(there, Some(name)) => write!(f, "secrets-of-pods:{}/{name}", own(there)),
            Set::PodsNamed(there, name) => write!(f, "pod:{}/{name}", own(there)),
            Set::Workloads(resource, name) => write!(f, "namespaces of {resource} {name}"),
            Set::OnNode(node, there) => write!(f, "sa:{}/* of node {node}", own(there)),
            Set::OnNodes(there) => write!(f, "sa:{}/* of nodes", own(there)),
            Set::Mounted(node, there) => {
                write!(f, "secrets-of-pods:{} of node {}", own(there), own(node))
            }
            Set::MountedTokens(node, there) => {
                write!(f, "sa:{}/* of Secrets of node {}", own(there), own(node))
            }
            Set::InEveryNamespace(role) => write!(f, "clusterrole:{role} in every namespace"),
            Set::Roles(there, name) => write!(f, "role:{}/{}", own(there), own(name)),
            Set::Users => f.write_str("users"),
            Set::Groups => f.write_str("groups"),
            Set::As(sender, others) => write!(f, "{sender} as {}", Many((**others).clone())),
        }
    }
}
