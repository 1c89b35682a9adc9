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
//! ```

use super::{Kind, Literal, Node, Rules, Step, Target, template};

impl<'a> Rules<'_, 'a, '_> {
    pub(super) fn repair(&mut self) -> Vec<Step> {
        let Some(node) = self.reader.get("repair") else { return Vec::new() };
        let mut steps = Vec::new();
        for (key, item) in node.entries() {
            match key {
                "set" => self.writes(item, Step::Set, &mut steps),
                "add" => self.writes(item, Step::Append, &mut steps),
                "remove" => self.targets(item, Step::Remove, &mut steps),
                "prune" => self.targets(item, Step::Prune, &mut steps),
                "create" => steps.extend(self.literal(item).map(Step::Create)),
                "ask" => steps.extend(self.template(item).map(Step::Ask)),
                _ => self.reader.wrong(
                    item,
                    format!("repair {key:?} is none of set, add, remove, prune, create, ask"),
                ),
            }
        }
        steps
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
