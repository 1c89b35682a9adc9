//! A repair in a few words.

use ironhull_model::{Node, Repair, RepairStep};

/// What is said before what a repair may stop.
pub const UNSAFE: &str = "it may stop what works today";

/// The first step as a person would say it; none when there is no repair.
pub fn in_words(repair: &Repair) -> Option<String> {
    let first = repair.steps.first()?;
    let more = match repair.steps.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Some(match first {
        RepairStep::Set { pointer, value } => {
            format!("{}: {}{more}", tail(pointer.as_str()), short(value.root()))
        }
        RepairStep::Append { pointer, value } => {
            format!("add {} to {}{more}", short(value.root()), tail(pointer.as_str()))
        }
        RepairStep::Remove { pointer } => format!("remove {}{more}", tail(pointer.as_str())),
        RepairStep::Create { object } => {
            let text =
                |path: &[&str]| object.root().path(path).and_then(Node::as_str).unwrap_or_default();
            format!("create {} {}{more}", text(&["kind"]), text(&["metadata", "name"]))
        }
        RepairStep::Ask { question } => question.clone(),
    })
}

/// Whether every step can be done without asking anyone.
pub fn is_automatic(repair: &Repair) -> bool {
    !repair.steps.is_empty()
        && !repair.steps.iter().any(|step| matches!(step, RepairStep::Ask { .. }))
}

/// The last names of a pointer, from the innermost list item's field on.
fn tail(pointer: &str) -> String {
    let segments: Vec<&str> = pointer.split('/').skip(1).collect();
    let is_index = |segment: &&str| segment.bytes().all(|byte| byte.is_ascii_digit());
    let after_item = segments
        .iter()
        .rposition(|segment| is_index(segment) && *segment != *segments.last().unwrap_or(&""));
    let from = after_item.map_or(0, |at| at + 1).max(segments.len().saturating_sub(3));
    let mut rest = segments.get(from..).unwrap_or_default();
    while let [first, tail @ ..] = rest
        && !tail.is_empty()
        && is_index(first)
    {
        rest = tail;
    }
    rest.join(".").replace("~1", "/").replace("~0", "~")
}

fn short(node: Node<'_>) -> String {
    let text = node.display();
    if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::tail;

    #[test]
    fn pointers_are_cut_to_what_tells() {
        assert_eq!(
            tail("/spec/template/spec/containers/0/securityContext/privileged"),
            "securityContext.privileged"
        );
        assert_eq!(tail("/spec/egress/1/to/0"), "to.0");
        assert_eq!(tail("/spec/containers/0/volumeMounts/0"), "volumeMounts.0");
        assert_eq!(tail("/spec/replicas"), "spec.replicas");
    }
}
