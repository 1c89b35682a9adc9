//! What is refused although its types fit: literals that mix types, constants that
//! no call can take, formats that do not fit their arguments.

use crate::Issue;
use crate::ast::Const;
use crate::core::{Core, Kind};
use crate::library::regex::Pattern;
use crate::library::string_format::{Clause, Piece, Pieces};
use crate::types::Type;

/// Literals of durations, timestamps and patterns are read from this minor on.
const LITERALS_SINCE: u32 = 29;

/// Validates a checked expression for a minor.
pub(crate) fn validate(core: &Core, minor: u32) -> Result<(), Issue> {
    Validator { minor }.expr(core, false)
}

struct Validator {
    minor: u32,
}

fn issue<T>(core: &Core, message: impl Into<String>) -> Result<T, Issue> {
    Err(Issue::new(message, core.start, core.end))
}

impl Validator {
    fn expr(&self, core: &Core, in_format: bool) -> Result<(), Issue> {
        match &core.kind {
            Kind::Select { operand, .. } => self.expr(operand, in_format),
            Kind::List(items) => {
                if !in_format {
                    list(items)?;
                }
                items.iter().try_for_each(|(item, _)| self.expr(item, in_format))
            }
            Kind::Map(entries) => {
                if !in_format {
                    map(entries)?;
                }
                entries.iter().try_for_each(|(key, value, _)| {
                    self.expr(key, in_format).and_then(|()| self.expr(value, in_format))
                })
            }
            Kind::Struct { fields, .. } => {
                fields.iter().try_for_each(|(_, value, _)| self.expr(value, in_format))
            }
            Kind::Fold(comprehension) => {
                self.expr(&comprehension.range, in_format)?;
                self.expr(&comprehension.step, in_format)
            }
            Kind::Call { target, name, args, .. } => {
                if self.minor >= LITERALS_SINCE {
                    literal(core, name, args)?;
                    format(core, target.as_deref(), name, args)?;
                }
                // Formats take lists of mixed types.
                let in_format = in_format || (self.minor >= LITERALS_SINCE && &**name == "format");
                target.iter().try_for_each(|target| self.expr(target, in_format))?;
                args.iter().try_for_each(|arg| self.expr(arg, in_format))
            }
            _ => Ok(()),
        }
    }
}

/// The type of an element, inside if it is optional. The API server fails on an
/// optional element whose type is not known.
fn element(core: &Core, optional: bool) -> Result<&Type, Issue> {
    match (&core.ty, optional) {
        (ty, false) => Ok(ty),
        (Type::Optional(inner), true) => Ok(inner),
        (_, true) => issue(core, "an optional element needs a value whose type is known"),
    }
}

fn same(first: &mut Option<Type>, core: &Core, ty: &Type) -> Result<(), Issue> {
    match first {
        None => *first = Some(ty.clone()),
        Some(first) if first != ty => {
            return issue(core, format!("elements of one literal have one type: {first} and {ty}"));
        }
        Some(_) => {}
    }
    Ok(())
}

fn list(items: &[(Core, bool)]) -> Result<(), Issue> {
    let mut first = None;
    items.iter().try_for_each(|(item, optional)| same(&mut first, item, element(item, *optional)?))
}

fn map(entries: &[(Core, Core, bool)]) -> Result<(), Issue> {
    let (mut first_key, mut first_value) = (None, None);
    entries.iter().try_for_each(|(key, value, optional)| {
        let ty = element(value, *optional)?;
        same(&mut first_key, key, &key.ty)?;
        same(&mut first_value, value, ty)
    })
}

/// The first argument of these, if it is a literal, is read at once. (Of the global
/// `matches` that is the text and not the pattern.)
fn literal(core: &Core, name: &str, args: &[Core]) -> Result<(), Issue> {
    let Some(Core { kind: Kind::Const(constant), .. }) = args.first() else { return Ok(()) };
    let is_valid = match (name, constant) {
        ("matches", Const::Str(pattern)) => Pattern::new(pattern).is_ok(),
        ("duration" | "timestamp", constant) if args.len() == 1 => {
            crate::plan::converted(name, constant).is_ok()
        }
        _ => true,
    };
    if is_valid { Ok(()) } else { issue(core, format!("the constant given to {name} is invalid")) }
}

/// A literal format is checked against a literal list of arguments.
fn format(core: &Core, target: Option<&Core>, name: &str, args: &[Core]) -> Result<(), Issue> {
    let Some(Core { kind: Kind::Const(Const::Str(format)), .. }) = target else { return Ok(()) };
    let ("format", [Core { kind: Kind::List(items), .. }]) = (name, args) else { return Ok(()) };
    let mut n_used = 0;
    for piece in Pieces::new(format, items.len()) {
        let Piece::Clause(clause, at) = piece.or_else(|message| issue(core, message))? else {
            continue;
        };
        n_used += 1;
        let item = &items[at].0;
        if let Some(bad) = misfit(clause, item) {
            return issue(bad, format!("this clause of the format cannot show {}", bad.ty));
        }
    }
    if n_used < items.len() {
        return issue(core, format!("the format uses {n_used} of {} arguments", items.len()));
    }
    Ok(())
}

/// What of an argument a clause cannot show.
fn misfit(clause: Clause, item: &Core) -> Option<&Core> {
    let is = |types: &[Type]| item.ty == Type::Dyn || types.contains(&item.ty);
    let fits = match clause {
        Clause::String => return unprintable(item),
        Clause::Decimal | Clause::Octal => is(&[Type::Int, Type::Uint]),
        Clause::Fixed(_) | Clause::Scientific(_) => is(&[Type::Double, Type::String]),
        Clause::Binary => is(&[Type::Int, Type::Uint, Type::Bool]),
        Clause::Hex | Clause::HexUpper => is(&[Type::Int, Type::Uint, Type::String, Type::Bytes]),
    };
    (!fits).then_some(item)
}

fn unprintable(item: &Core) -> Option<&Core> {
    match (&item.ty, &item.kind) {
        (Type::List(_), Kind::List(items)) => items.iter().find_map(|(item, _)| unprintable(item)),
        (Type::Map(..), Kind::Map(entries)) => entries
            .iter()
            .find_map(|(key, value, _)| unprintable(key).or_else(|| unprintable(value))),
        (Type::Optional(_) | Type::Object(_) | Type::Opaque(_), _) => Some(item),
        _ => None,
    }
}
