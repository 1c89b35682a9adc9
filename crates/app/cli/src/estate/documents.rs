//! Documents of our own group among the judged files.

use ironhull_controls::exceptions::{self, Exception};
use ironhull_model::{Code, Diagnostic, Object, SourceId};

/// A document of `ironhull.dev`.
pub(super) struct Own {
    pub(super) object: Object,
    pub(super) source: SourceId,
}

/// An exception, or a diagnostic of why it is none.
pub(super) fn exception(own: Own, diagnostics: &mut Vec<Diagnostic>) -> Option<Exception> {
    match &*own.object.thing.kind {
        "Exception" => exceptions::read(own.object.root(), own.source, diagnostics),
        // Read with the configuration, before the judging.
        "Config" => None,
        kind => {
            let message = format!("{kind} is no kind of ironhull.dev");
            diagnostics.push(
                Diagnostic::error(Code::PolicyInvalid, message)
                    .help("the kinds are Exception and Config"),
            );
            None
        }
    }
}
