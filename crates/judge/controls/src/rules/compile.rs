//! Compiling the rules of a schema over its types.

use std::collections::HashMap;
use std::sync::Arc;

use ironhull_cel::{Env, Type};
use ironhull_model::Minor;
use ironhull_schema::crd::{Additional, Rule, Structural};

use super::typed::Types;
use super::{Compiled, Place, Programs, place};

/// Compiles the rules of `from`, which is `schema` or a part of its `allOf`, and of
/// what is below it.
pub(super) fn all(
    schema: &Structural,
    from: &Structural,
    is_root: bool,
    minor: Minor,
    compiled: &mut HashMap<Place, Vec<Compiled>>,
) {
    if !from.rules.is_empty()
        && let Some(rules) = of(schema, from, is_root, minor)
    {
        compiled.insert(place(schema, from), rules);
    }
    for part in from.all_of.iter().filter(|part| part.has_rules()) {
        all(schema, part, is_root, minor, compiled);
    }
    let mut below = |schema: &Structural, from: &Structural| {
        all(schema, from, schema.embedded, minor, compiled);
    };
    if let (Additional::Schema(schema), Additional::Schema(from)) =
        (&schema.additional, &from.additional)
    {
        below(schema, from);
    }
    if let (Some(schema), Some(from)) = (&schema.items, &from.items) {
        below(schema, from);
    }
    for (name, from) in &from.properties {
        if let Some(schema) = schema.property(name) {
            below(schema, from);
        }
    }
}

fn of(
    schema: &Structural,
    from: &Structural,
    is_root: bool,
    minor: Minor,
) -> Option<Vec<Compiled>> {
    let mut types = Types::default();
    let ty = types.declare(schema, is_root)?;
    let provider = Arc::new(types);
    let asked = from.rules.iter().enumerate().filter(|(_, rule)| {
        let names_old = names_old_self(&rule.rule) || names_old_self(&rule.message_expression);
        !rule.rule.trim().is_empty() && (!names_old || rule.optional_old_self)
    });
    let compiled = asked
        .map(|(number, rule)| Compiled { number, programs: programs(rule, &ty, &provider, minor) });
    Some(compiled.collect())
}

fn programs(rule: &Rule, ty: &Type, types: &Arc<Types>, minor: Minor) -> Result<Programs, String> {
    let mut env = Env::new(minor);
    env.types(types.clone());
    env.variable("self", ty.clone());
    let old =
        if rule.optional_old_self { Type::Optional(Arc::new(ty.clone())) } else { ty.clone() };
    env.variable("oldSelf", old);
    let compile = |text: &str, wanted: &Type| {
        let program = ironhull_cel::compile(&env, text).map_err(|issues| {
            issues.first().map_or_else(String::new, |issue| issue.message.clone())
        })?;
        if program.result_type() != wanted {
            return Err(format!("it gives {}, not {wanted}", program.result_type()));
        }
        Ok(program)
    };
    let message = match rule.message_expression.trim() {
        "" => None,
        // One that does not compile is replaced by the message.
        text => compile(text, &Type::String).ok(),
    };
    Ok(Programs { rule: compile(&rule.rule, &Type::Bool)?, message })
}

/// Whether an expression names `oldSelf`.
fn names_old_self(text: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("oldSelf").any(|(at, name)| {
        !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word)
    })
}
