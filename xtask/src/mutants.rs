//! What mutants there are: small changes of an expression's text, at the places
//! where its parts stand.

use std::collections::BTreeSet;

use ironhull_cel::syntax::{Const, Kind, Node, parse};

/// The texts that an expression could wrongly be; nothing for one that does not parse.
pub(crate) fn expression(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    if let Ok(node) = parse(text) {
        visit(text, &node, &mut all);
    }
    all.remove(text);
    all
}

/// Member names that are read as optional, `.?name`, or asked for, `has(x.name)`:
/// parents that may be absent.
pub(crate) fn optional_members(text: &str) -> BTreeSet<Box<str>> {
    fn collect(node: &Node, names: &mut BTreeSet<Box<str>>) {
        if let Kind::Select { field, optional: true, .. } = &node.kind {
            names.insert(field.clone());
        }
        if let Kind::Call { receiver: None, name, args } = &node.kind
            && let ("has", [Node { kind: Kind::Select { field, .. }, .. }]) = (&**name, &args[..])
        {
            names.insert(field.clone());
        }
        node.children().into_iter().for_each(|child| collect(child, names));
    }
    let mut names = BTreeSet::new();
    if let Ok(node) = parse(text) {
        collect(&node, &mut names);
    }
    names
}

fn visit(text: &str, node: &Node, all: &mut BTreeSet<String>) {
    let part = |node: &Node| &text[node.start as usize..node.end as usize];
    let mut replace = |with: String| {
        all.insert(format!("{}{with}{}", &text[..node.start as usize], &text[node.end as usize..]));
    };
    match &node.kind {
        Kind::Const(constant) => literal(constant).into_iter().for_each(replace),
        // Behind an optional member every further one is optional anyway.
        Kind::Select { operand, field, optional: true } if !is_optional(operand) => {
            replace(format!("{}.{field}", part(operand)));
        }
        Kind::List(items) => {
            for dropped in 0..items.len() {
                let rest = items.iter().enumerate().filter(|(index, _)| *index != dropped);
                let rest: Vec<&str> = rest.map(|(_, (item, _))| part(item)).collect();
                replace(format!("[{}]", rest.join(", ")));
            }
        }
        Kind::Call { receiver: None, name, args } => {
            let args: Vec<&str> = args.iter().map(part).collect();
            calls(name, &args).into_iter().for_each(replace);
        }
        Kind::Call { receiver: Some(receiver), name, args } => {
            let texts: Vec<&str> = args.iter().map(part).collect();
            let texts = texts.join(", ");
            // An empty text as a default stands for nothing; any other nothing is as good.
            let nothing =
                |arg: &Node| matches!(&arg.kind, Kind::Const(Const::Str(text)) if text.is_empty());
            if &**name == "orValue" && args.iter().all(nothing) {
                return visit(text, receiver, all);
            }
            match &**name {
                "all" => replace(format!("{}.exists({texts})", part(receiver))),
                "exists" => replace(format!("{}.all({texts})", part(receiver))),
                "filter" => replace(part(receiver).to_owned()),
                "startsWith" | "endsWith" => {
                    replace(format!("{}.contains({texts})", part(receiver)));
                }
                _ => {}
            }
        }
        _ => {}
    }
    node.children().into_iter().for_each(|child| visit(text, child, all));
}

/// Whether an expression is a member of something that may be absent.
fn is_optional(node: &Node) -> bool {
    match &node.kind {
        Kind::Select { operand, optional, .. } | Kind::Index { operand, optional, .. } => {
            *optional || is_optional(operand)
        }
        _ => false,
    }
}

/// Mutants of an operator or a global function.
fn calls(name: &str, args: &[&str]) -> Vec<String> {
    let other = |operator: &str| vec![format!("({} {operator} {})", args[0], args[1])];
    match (name, args) {
        // Drop a conjunct; and or.
        ("_&&_", [a, b]) => vec![format!("({a})"), format!("({b})"), format!("(({a}) || ({b}))")],
        ("_||_", [a, b]) => vec![format!("({a})"), format!("({b})"), format!("(({a}) && ({b}))")],
        ("!_", [a]) => vec![format!("({a})")],
        ("_==_", _) => other("!="),
        ("_!=_", _) => other("=="),
        ("_<_", _) => other("<="),
        ("_<=_", _) => other("<"),
        ("_>_", _) => other(">="),
        ("_>=_", _) => other(">"),
        ("@in", [a, b]) => vec![format!("!({a} in {b})")],
        ("_?_:_", [_, yes, no]) => vec![format!("({yes})"), format!("({no})")],
        ("containers", [pod]) => vec![format!("{pod}.containers")],
        _ => Vec::new(),
    }
}

fn literal(constant: &Const) -> Vec<String> {
    match constant {
        Const::Bool(value) => vec![(!value).to_string()],
        Const::Int(value) => vec![(value + 1).to_string(), format!("({})", value - 1)],
        Const::Str(value) => {
            let text = value.replace('\\', "\\\\").replace('\'', "\\'");
            vec![format!("'~{text}'")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{expression, optional_members};

    #[test]
    fn mutants_are_made_where_the_parts_stand() {
        let found = expression("(a || b.?c.orValue('x')) && ![1, 2].exists(n, n < 3)");
        for wanted in [
            "(a || b.?c.orValue('x'))",
            "(![1, 2].exists(n, n < 3))",
            "((a)) && ![1, 2].exists(n, n < 3)",
            "((b.?c.orValue('x'))) && ![1, 2].exists(n, n < 3)",
            "(a || b.c.orValue('x')) && ![1, 2].exists(n, n < 3)",
            "(a || b.?c.orValue('~x')) && ![1, 2].exists(n, n < 3)",
            "(a || b.?c.orValue('x')) && ([1, 2].exists(n, n < 3))",
            "(a || b.?c.orValue('x')) && ![1, 2].all(n, n < 3)",
            "(a || b.?c.orValue('x')) && ![2].exists(n, n < 3)",
            "(a || b.?c.orValue('x')) && ![1, 2].exists(n, (n <= 3))",
            "(a || b.?c.orValue('x')) && ![1, 2].exists(n, n < 4)",
        ] {
            let missing = !found.contains(wanted) && !found.contains(&format!("({wanted})"));
            assert!(!missing, "{wanted} is not among {found:#?}");
        }
    }

    #[test]
    fn optional_members_are_those_behind_a_question_mark() {
        let names: Vec<_> =
            optional_members("a.?b.c.orValue(0) == e.f || has(e.d)").into_iter().collect();
        assert_eq!(names, ["b".into(), "d".into()] as [Box<str>; 2]);
    }
}
