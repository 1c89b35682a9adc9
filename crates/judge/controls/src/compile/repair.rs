//! `repair:` — the steps that make the control hold.
//!
//! ```yaml
//! repair:
//!   set: { c.securityContext.privileged: false }   # binding, then member names
//!   add: { c.securityContext.capabilities.drop: ALL }
//!   remove: [m]
//!   prune: [v]                                     # when nothing else refers to it
//!   create: { apiVersion: …, kind: …, … }          # strings may hold {expressions}
//!   ask: which user should {c.name} run as?
//!   safe: true                                     # it cannot stop what works today; or
//!   may: a program that binds a port below 1024 does not start     # what it may stop
//! ```

use super::{Kind, Literal, Node, Rules, Step, Target, template};

/// What is said of a native rule's repairs when its file says nothing.
pub const UNSAID: &str = "nobody has said that this repair stops nothing";

/// What a control file says of the risk of its repair.
enum Risk {
    /// Nothing.
    Unsaid,
    /// It cannot stop what works today.
    Safe,
    /// What it may stop.
    May(Box<str>),
}

impl<'a> Rules<'_, 'a, '_> {
    /// The steps, and what doing them may stop.
    pub(super) fn repair(&mut self) -> (Vec<Step>, Option<Box<str>>) {
        let Some(node) = self.reader.get("repair") else { return (Vec::new(), None) };
        let mut steps = Vec::new();
        for (key, item) in node.entries() {
            match key {
                "set" => self.writes(item, Step::Set, &mut steps),
                "add" => self.writes(item, Step::Append, &mut steps),
                "remove" => self.targets(item, Step::Remove, &mut steps),
                "prune" => self.targets(item, Step::Prune, &mut steps),
                "create" => steps.extend(self.literal(item).map(Step::Create)),
                "ask" => steps.extend(self.template(item).map(Step::Ask)),
                "safe" | "may" => {}
                _ => self.reader.wrong(
                    item,
                    format!(
                        "repair {key:?} is none of set, add, remove, prune, create, ask, safe, may"
                    ),
                ),
            }
        }
        let changes = steps.iter().any(|step| !matches!(step, Step::Ask(_)));
        let risk = self.risk(node);
        if changes && matches!(risk, Risk::Unsaid) {
            self.reader.wrong(
                node,
                "repair does not say whether it may stop what works today: write safe: true, or may: what it may stop",
            );
        } else if !changes && !matches!(risk, Risk::Unsaid) {
            self.reader.wrong(node, "repair changes nothing: it needs neither safe nor may");
        }
        let may = match risk {
            Risk::May(what) => Some(what),
            Risk::Unsaid | Risk::Safe => None,
        };
        (steps, may)
    }

    /// What a native rule's repairs may stop: their steps are the adapter's, so that
    /// `repair` says nothing else. What is not said to be safe is not taken to be.
    pub(super) fn native_repair(&mut self) -> Option<Box<str>> {
        let Some(node) = self.reader.get("repair") else { return Some(UNSAID.into()) };
        for (key, item) in node.entries() {
            if !matches!(key, "safe" | "may") {
                let told = format!(
                    "the steps of a native rule are its own; repair {key:?} is none of safe, may"
                );
                self.reader.wrong(item, told);
            }
        }
        match self.risk(node) {
            Risk::Unsaid => Some(UNSAID.into()),
            Risk::Safe => None,
            Risk::May(what) => Some(what),
        }
    }

    /// `safe: true`, or `may: what it may stop`.
    fn risk(&mut self, node: Node<'a>) -> Risk {
        match (node.get("safe"), node.get("may")) {
            (None, None) => return Risk::Unsaid,
            (Some(safe), None) if safe.as_bool() == Some(true) => {}
            (None, Some(may)) if may.as_str().is_some_and(|text| !text.trim().is_empty()) => {
                return Risk::May(may.as_str().unwrap_or_default().into());
            }
            _ => {
                let told =
                    "a repair is either safe: true, or it has may: what it may stop, in words";
                self.reader.wrong(node, told);
            }
        }
        Risk::Safe
    }

    fn writes(&mut self, node: Node<'a>, step: fn(Target, Literal) -> Step, steps: &mut Vec<Step>) {
        for (path, item) in node.entries() {
            if let (Some(target), Some(literal)) = (self.target(item, path), self.literal(item)) {
                steps.push(step(target, literal));
            }
        }
    }

    fn targets(&mut self, node: Node<'a>, step: fn(Target) -> Step, steps: &mut Vec<Step>) {
        let one = [node];
        let items: Vec<Node<'a>> =
            if node.kind() == Kind::List { node.items().collect() } else { one.to_vec() };
        for item in items {
            let target = item.as_str().and_then(|path| self.target(item, path));
            steps.extend(target.map(step));
        }
    }

    /// `binding.member.member`; a member with dots is quoted: `meta.annotations."a.b/c"`.
    fn target(&mut self, node: Node<'a>, path: &str) -> Option<Target> {
        let mut names = split_path(path).into_iter();
        let binding = names.next().unwrap_or_default();
        let slot = self.scopes.first().and_then(|scope| scope.slot(&binding));
        if slot.is_none() {
            self.reader.wrong(node, format!("repair: {binding:?} is no binding of this control"));
        }
        Some(Target { slot: slot?, path: names.map(Into::into).collect() })
    }

    fn literal(&mut self, node: Node<'a>) -> Option<Literal> {
        Some(match node.kind() {
            Kind::List if !node.is_empty() => {
                Literal::List(node.items().map(|item| self.literal(item)).collect::<Option<_>>()?)
            }
            Kind::Map if !node.is_empty() => Literal::Map(
                node.entries()
                    .map(|(key, item)| Some((key.into(), self.literal(item)?)))
                    .collect::<Option<_>>()?,
            ),
            Kind::String => self.text_literal(node)?,
            _ => Literal::Json(node.to_json().into()),
        })
    }

    fn text_literal(&mut self, node: Node<'a>) -> Option<Literal> {
        let text = node.as_str().unwrap_or_default();
        match template::split(text).as_deref() {
            Ok([template::Piece::Expression(inner)]) => {
                Some(Literal::Value(self.compile_text(node, inner)?))
            }
            Ok([] | [template::Piece::Text(_)]) => Some(Literal::Json(node.to_json().into())),
            _ => Some(Literal::Text(self.template(node)?)),
        }
    }
}

fn split_path(path: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(String::new()),
            c => names.last_mut().into_iter().for_each(|name| name.push(c)),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::split_path;

    #[test]
    fn quoted_members_keep_their_dots() {
        assert_eq!(split_path(r#"meta.annotations."a.b/c""#), ["meta", "annotations", "a.b/c"]);
    }
}
