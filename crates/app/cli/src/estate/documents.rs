//! Documents of our own group among the judged files.

use ironhull_controls::exceptions::{self, Exception};
use ironhull_controls::gate::{self, ScopedGate};
use ironhull_controls::{Control, Policy, policies};
use ironhull_model::{Code, Diagnostic, Object, SourceId};

/// A document of `ironhull.dev`, not read yet.
pub(crate) struct Own {
    pub(super) object: Object,
    pub(super) source: SourceId,
}

/// What those documents say.
#[derive(Default)]
pub(crate) struct Documents {
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) gates: Vec<ScopedGate>,
}

/// The policies among the documents, with where they stand.
pub(crate) fn policies<'o>(
    own: &'o [Own],
    known: &[&Control],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Policy, &'o Object, SourceId)> {
    let policies = own.iter().filter(|own| &*own.object.thing.kind == "Policy");
    let read = |Own { object, source }: &'o Own| {
        Some((policies::read(object.root(), *source, known, diagnostics)?, object, *source))
    };
    policies.filter_map(read).collect()
}

/// Reads the documents; `known` are the controls that they may name.
pub(crate) fn read(
    own: &[Own],
    known: &[&Control],
    diagnostics: &mut Vec<Diagnostic>,
) -> Documents {
    let mut documents = Documents::default();
    for Own { object, source } in own {
        let root = object.root();
        match &*object.thing.kind {
            "Exception" => {
                documents.exceptions.extend(exceptions::read(root, *source, known, diagnostics));
            }
            "Policy" => {
                documents.policies.extend(policies::read(root, *source, known, diagnostics));
            }
            "Gate" => documents.gates.extend(gate::read(root, *source, diagnostics)),
            kind => {
                let message = format!("{kind} is no kind of ironhull.dev");
                let help = "the kinds are Exception, Gate and Policy";
                diagnostics.push(Diagnostic::error(Code::PolicyInvalid, message).help(help));
            }
        }
    }
    documents
}
