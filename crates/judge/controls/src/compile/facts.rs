//! The facts that a control names in `needs` and `helps`, and those that its
//! expressions read: what is not named is never there.

use ironhull_cel::syntax::{self, Const, Kind};
use ironhull_model::snapshot::FACTS;

use super::reader::{self, Reader};

/// The facts that a field names.
pub(super) fn named(reader: &mut Reader<'_, '_>, field: &'static str) -> Vec<Box<str>> {
    let names = reader.strs(field);
    for name in &names {
        if !known().any(|known| known == *name) {
            let hint = hint(name);
            reader.wrong(reader.node(), format!("{field} names the unknown fact {name:?}{hint}"));
        }
    }
    names.into_iter().map(Into::into).collect()
}

/// What is wrong with the facts that an expression reads by their names.
pub(super) fn unnamed(text: &str, named: &[Box<str>]) -> Vec<String> {
    let mut read = Vec::new();
    if let Ok(node) = syntax::parse(text) {
        collect(&node, &mut read);
    }
    read.retain(|name| !named.contains(name));
    let told = read.iter().map(|name| match known().any(|known| known == &**name) {
        true => format!("the fact {name:?} is read, but neither needs nor helps names it"),
        false => format!("there is no fact {name:?}{}", hint(name)),
    });
    told.collect()
}

fn known() -> impl Iterator<Item = &'static str> {
    FACTS.iter().map(|fact| fact.name)
}

fn hint(name: &str) -> String {
    let nearest = reader::nearest(name, &known().collect::<Vec<_>>());
    nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"))
}

/// The names in `facts['name']` and `facts.name`.
fn collect(node: &syntax::Node, read: &mut Vec<Box<str>>) {
    let is_facts =
        |node: &syntax::Node| matches!(&node.kind, Kind::Ident { name, .. } if **name == *"facts");
    match &node.kind {
        Kind::Index { operand, index, .. } if is_facts(operand) => {
            if let Kind::Const(Const::Str(name)) = &index.kind {
                read.push(name.clone());
            }
        }
        Kind::Select { operand, field, .. } if is_facts(operand) => read.push(field.clone()),
        _ => {}
    }
    node.children().into_iter().for_each(|child| collect(child, read));
}
