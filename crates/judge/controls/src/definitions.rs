//! The definitions of a world's custom resources, each read and its rules compiled
//! once, when the first of its resources is judged.

use std::collections::HashMap;
use std::sync::OnceLock;

use ironhull_model::{Minor, Node, Object, World};
use ironhull_schema::crd::{self, Structural};

use crate::rules::Rules;

/// What a resource says that it is: group, version, kind.
type Name<'a> = (&'a str, &'a str, &'a str);

/// Definitions by what they define.
#[derive(Default)]
pub struct Definitions<'a> {
    all: Vec<Definition<'a>>,
    by_name: HashMap<Name<'a>, usize>,
}

/// One version of a kind.
pub struct Definition<'a> {
    /// The definition's object.
    pub object: &'a Object,
    schema: Node<'a>,
    keeps_unknown: bool,
    rules: OnceLock<Rules>,
}

impl<'a> Definitions<'a> {
    /// The definitions of a world. Of several for the same kind the first counts.
    pub fn new(world: World<'a>) -> Definitions<'a> {
        let mut definitions = Definitions::default();
        for object in world.of_kind(crd::GROUP, crd::KIND) {
            let Some(spec) = object.root().get("spec") else { continue };
            let text = |path: &[&str]| spec.path(path).and_then(Node::as_str);
            let (Some(group), Some(kind)) = (text(&["group"]), text(&["names", "kind"])) else {
                continue;
            };
            let versions = spec.get("versions").into_iter().flat_map(Node::items);
            let versions = versions.filter_map(|item| item.get("name").and_then(Node::as_str));
            for version in versions.chain(text(&["version"])) {
                let served = crd::served(object.root(), group, version, kind);
                let Some(served) = served else { continue };
                let Some(schema) = served.schema else { continue };
                let index = definitions.all.len();
                if *definitions.by_name.entry((group, version, kind)).or_insert(index) == index {
                    definitions.all.push(Definition {
                        object,
                        schema,
                        keeps_unknown: served.keeps_unknown,
                        rules: OnceLock::new(),
                    });
                }
            }
        }
        definitions
    }

    /// The definition of a custom resource.
    pub fn of(&self, object: &Object) -> Option<&Definition<'a>> {
        let thing = &object.thing;
        let name = (&*thing.group, &*object.version, &*thing.kind);
        self.by_name.get(&name).and_then(|index| self.all.get(*index))
    }
}

impl Definition<'_> {
    /// Its schema with the rules.
    pub fn rules(&self, minor: Minor) -> &Rules {
        self.rules.get_or_init(|| {
            let mut schema = Structural::read(self.schema);
            schema.preserve |= self.keeps_unknown;
            Rules::new(schema, minor)
        })
    }
}
