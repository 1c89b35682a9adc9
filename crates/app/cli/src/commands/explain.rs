//! `ironhull explain`: why, the proof, how to verify it without us.

use ironhull_controls::Control;
use ironhull_model::Code;
use ironhull_report::explain;

use super::last::{self, Named};
use crate::args::{Explain, Global};
use crate::exit::Exit;
use crate::printer;

/// Runs the command.
pub(crate) fn run(args: &Explain, global: &Global) -> anyhow::Result<Exit> {
    let what = args.what.as_str();
    if let Some(code) = Code::ALL.iter().find(|code| code.as_str().eq_ignore_ascii_case(what)) {
        printer::text(&format!("{code}  {}\n\n{}\n", code.title(), code.text()));
        return Ok(Exit::Clean);
    }
    if let Some(control) = control(what) {
        printer::text(&explain::control(control));
        return Ok(Exit::Clean);
    }
    let last = last::load(global)?;
    let judged = &last.judged;
    if let Some(control) = judged.controls().into_iter().find(|control| *control.id == *what) {
        printer::text(&explain::control(control));
        return Ok(Exit::Clean);
    }
    match last.finding(what) {
        Named::Finding(number, finding) => {
            let control =
                judged.controls().into_iter().find(|control| *control.id == *finding.control);
            let seen = last.state.first_seen(&finding.id());
            printer::text(&explain::finding(number, finding, control, &judged.snapshot, seen));
            Ok(Exit::Clean)
        }
        Named::Fixed(id) => {
            let (said, exit) = last.gone(&id);
            printer::text(&format!("{said}.\n"));
            Ok(exit)
        }
        Named::Several(ids) => {
            printer::text(&format!("{} findings:\n  {}\n", ids.len(), ids.join("\n  ")));
            Ok(Exit::Clean)
        }
        Named::Nothing => object(what, &last),
    }
}

fn object(what: &str, last: &last::Last) -> anyhow::Result<Exit> {
    let judged = &last.judged;
    let wanted = |thing: &ironhull_model::ThingRef| {
        thing.to_string().eq_ignore_ascii_case(what)
            || format!("{}/{}", thing.kind, thing.name).eq_ignore_ascii_case(what)
    };
    let numbers = last.numbers();
    let Some(object) = judged.snapshot.objects.iter().find(|object| wanted(&object.thing)) else {
        last.print_unread();
        printer::error(&format!(
            "error: {what:?} is no finding, control, object (KIND/NAME) or code"
        ));
        return Ok(Exit::Usage);
    };
    let findings: Vec<_> = judged
        .judgement
        .findings
        .iter()
        .zip(&numbers)
        .map(|(finding, number)| (*number, finding))
        .filter(|(_, finding)| finding.subject == object.thing)
        .collect();
    printer::text(&explain::object(object, &findings, &judged.snapshot));
    Ok(Exit::Clean)
}

fn control(id: &str) -> Option<&'static Control> {
    ironhull_catalogue::controls().iter().find(|control| *control.id == *id)
}
