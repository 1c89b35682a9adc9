//! The definitions of a world's custom resources by what they define. What is made of
//! a definition is made once, when it is first asked for.

use std::collections::HashMap;
use std::sync::OnceLock;

use ironhull_model::{Node, Object, World};

use super::{GROUP, KIND, Structural, served};

/// What a resource says that it is: group, version, kind.
type Name<'a> = (&'a str, &'a str, &'a str);

/// Definitions by what they define, with something made of each.
#[derive(Debug)]
pub struct Definitions<'a, T> {
    all: Vec<Definition<'a, T>>,
    by_name: HashMap<Name<'a>, usize>,
}

/// One version of a kind.
#[derive(Debug)]
pub struct Definition<'a, T> {
    /// The definition's object.
    pub object: &'a Object,
    schema: Node<'a>,
    keeps_unknown: bool,
    made: OnceLock<T>,
}

impl<'a, T> Definitions<'a, T> {
    /// The definitions of a world. Of several for the same kind the first counts.
    pub fn new(world: World<'a>) -> Definitions<'a, T> {
        let mut definitions = Definitions { all: Vec::new(), by_name: HashMap::new() };
        for object in world.of_kind(GROUP, KIND) {
            let Some(spec) = object.root().get("spec") else { continue };
            let text = |path: &[&str]| spec.path(path).and_then(Node::as_str);
            let (Some(group), Some(kind)) = (text(&["group"]), text(&["names", "kind"])) else {
                continue;
            };
            let versions = spec.get("versions").into_iter().flat_map(Node::items);
            let versions = versions.filter_map(|item| item.get("name").and_then(Node::as_str));
            for version in versions.chain(text(&["version"])) {
                let served = served(object.root(), group, version, kind);
                let Some(served) = served else { continue };
                let Some(schema) = served.schema else { continue };
                let index = definitions.all.len();
                if *definitions.by_name.entry((group, version, kind)).or_insert(index) == index {
                    definitions.all.push(Definition {
                        object,
                        schema,
                        keeps_unknown: served.keeps_unknown,
                        made: OnceLock::new(),
                    });
                }
            }
        }
        definitions
    }

    /// The definition of a kind in one of its versions.
    pub fn of(&self, group: &str, version: &str, kind: &str) -> Option<&Definition<'a, T>> {
        self.by_name.get(&(group, version, kind)).and_then(|index| self.all.get(*index))
    }
}

impl<T> Definition<'_, T> {
    /// What is made of its schema.
    pub fn made(&self, make: impl FnOnce(Structural) -> T) -> &T {
        self.made.get_or_init(|| {
            let mut schema = Structural::read(self.schema);
            schema.preserve |= self.keeps_unknown;
            make(schema)
        })
    }
}
