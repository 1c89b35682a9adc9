//! Where a policy, a gate or an exception counts: patterns over things.

use ironhull_model::{Node, Object, ThingRef, Value, selector};

use crate::reader::Reader;

/// Patterns of which one must fit. Text may hold `*`, which stands for any text.
#[derive(Clone, Debug, Default)]
pub struct Scope(Vec<Pattern>);

#[derive(Clone, Debug)]
struct Pattern {
    kind: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    selector: Option<Value>,
}

impl Scope {
    /// Reads a list of `{ kind, namespace, name, selector }`, each member optional;
    /// the selector is a `LabelSelector` over the object's labels.
    pub fn read(reader: &mut Reader<'_, '_>, field: &'static str) -> Scope {
        let Some(list) = reader.get(field) else { return Scope::default() };
        if list.kind() != ironhull_model::Kind::List {
            reader.wrong(list, format!("{field} must be a list of patterns"));
        }
        let pattern = |item| {
            let mut pattern = reader.nested(item);
            let read = Pattern {
                kind: pattern.str("kind").map(str::to_owned),
                namespace: pattern.str("namespace").map(str::to_owned),
                name: pattern.str("name").map(str::to_owned),
                selector: pattern.get("selector").map(Node::to_value),
            };
            pattern.finish();
            read
        };
        Scope(list.items().map(pattern).collect())
    }

    /// Whether a pattern fits something in a namespace; `whole` asks for one that fits
    /// everything there.
    pub(crate) fn reaches(&self, namespace: &str, whole: bool) -> bool {
        self.0.iter().any(|pattern| {
            let is_part =
                pattern.kind.is_some() || pattern.name.is_some() || pattern.selector.is_some();
            pattern.namespace.as_deref().is_none_or(|wanted| glob(wanted, namespace))
                && !(whole && is_part)
        })
    }

    /// All things of a kind.
    pub fn of_kind(kind: &str) -> Scope {
        let kind = Some(kind.to_owned());
        Scope(vec![Pattern { kind, namespace: None, name: None, selector: None }])
    }

    /// Whether it has no pattern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a pattern fits. A Namespace is in the namespace of its own name;
    /// a selector fits only where the object is at hand.
    pub fn has(&self, thing: &ThingRef, object: Option<&Object>) -> bool {
        let is_namespace = thing.group.is_empty() && &*thing.kind == "Namespace";
        let namespace = if is_namespace { &thing.name } else { &thing.namespace };
        let fits = |wanted: &Option<String>, is: &str| {
            wanted.as_deref().is_none_or(|wanted| glob(wanted, is))
        };
        self.0.iter().any(|pattern| {
            fits(&pattern.kind, &thing.kind)
                && fits(&pattern.namespace, namespace)
                && fits(&pattern.name, &thing.name)
                && pattern.selector.as_ref().is_none_or(|wanted| {
                    object.is_some_and(|object| {
                        let labels = object.root().path(&["metadata", "labels"]);
                        selector::selects(wanted.root(), labels)
                    })
                })
        })
    }
}

/// Whether text fits a pattern in which `*` stands for any text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(tail) = text.strip_prefix(head) else { return false };
    rest.is_empty()
        || tail
            .char_indices()
            .map(|(at, _)| at)
            .chain([tail.len()])
            .any(|at| glob(rest, &tail[at..]))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_is_any_text() {
        assert!(glob("quay.io/*/agent", "quay.io/x/y/agent") && !glob("a*c", "ab"));
        assert!(glob("*", "") && glob("a*", "a") && !glob("a", "ab"));
    }
}
