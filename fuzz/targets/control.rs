//! Any text, read as a control file: compiled, or refused with diagnostics that
//! have a place in it.
#![no_main]

use std::sync::LazyLock;

use ironhull_controls::Compiler;
use ironhull_model::SourceId;
use libfuzzer_sys::fuzz_target;

static COMPILER: LazyLock<Compiler> = LazyLock::new(Compiler::default);

fuzz_target!(|text: &str| {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    let mut diagnostics = parsed.diagnostics;
    for document in &parsed.documents {
        let control = COMPILER.control(document.value.root(), SourceId(0), &mut diagnostics);
        if let Some(control) = control {
            for result in ironhull_controls::examples::run(&control) {
                _ = result;
            }
        }
    }
    for place in diagnostics.iter().filter_map(|diagnostic| diagnostic.place) {
        assert!(place.start <= place.end && place.end as usize <= text.len());
    }
});
