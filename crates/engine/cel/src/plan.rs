//! From a checked expression to what is evaluated: constants folded, members
//! gathered, overloads chosen. What can only fail is refused, as by the API server.

use ironhull_model::FieldName;

use crate::Issue;
use crate::ast::{
    Attr, Base, Call, Const, Expr, LazyPattern, Name, Qual, StructLiteral, is_dynamic_object,
};
use crate::core::{Core, Found, Kind};
use crate::env::Functions;
use crate::eval::EvalError;
use crate::functions;
use crate::library::registry::registry;
use crate::types::Type;
use crate::value::Val;

mod fold;

/// Plans a checked expression.
pub(crate) fn plan(core: &Core, functions: &Functions) -> Result<Expr, Issue> {
    let Functions { minor, patches, .. } = *functions;
    Planner { minor, patches, n_locals: 0 }.expr(core)
}

struct Planner {
    minor: u32,
    patches: bool,
    /// Comprehension variables around.
    n_locals: u16,
}

fn issue<T>(core: &Core, message: impl Into<String>) -> Result<T, Issue> {
    Err(Issue::new(message, core.start, core.end))
}

fn attr(base: Base) -> Expr {
    Expr::Attr(Box::new(Attr { base, quals: Vec::new() }))
}

/// An expression as something to take members of.
fn into_attr(expr: Expr) -> Attr {
    match expr {
        Expr::Attr(attr) => *attr,
        other => Attr { base: Base::Value(Box::new(other)), quals: Vec::new() },
    }
}

/// A branch of a condition. What is tested there stays the member that it tests.
fn into_branch(expr: Expr) -> Attr {
    match expr {
        Expr::Attr(attr) | Expr::Has(attr) => *attr,
        other => into_attr(other),
    }
}

impl Planner {
    fn expr(&mut self, core: &Core) -> Result<Expr, Issue> {
        match &core.kind {
            Kind::Const(constant) => Ok(Expr::Const(constant.clone())),
            Kind::TypeName(name) => match crate::value::type_number(name) {
                Some(number) => Ok(Expr::Const(Const::Type(number))),
                None => issue(core, format!("{name} is no type that has a value")),
            },
            Kind::Var(..) | Kind::Local(_) | Kind::Accumulator
                if matches!(core.ty, Type::Type(_)) =>
            {
                issue(core, "a variable that holds a type cannot be used")
            }
            Kind::Var(slot, false) => Ok(attr(Base::Var(*slot))),
            Kind::Var(slot, true) => Ok(attr(Base::Root(*slot))),
            Kind::Local(at) => Ok(attr(Base::Local(*at))),
            Kind::Ident { .. } | Kind::Accumulator => issue(core, "not resolved"),
            Kind::Select { operand, field, test } => {
                let mut attr = into_attr(self.expr(operand)?);
                let name = Name(FieldName::new(field));
                attr.push(match (self.is_dynamic(operand), *test) {
                    (false, true) => Qual::Test(name),
                    (false, false) => Qual::Field(name, false),
                    (true, true) => Qual::TestNative(name),
                    (true, false) => Qual::Native(name),
                });
                let attr = Box::new(attr);
                Ok(if *test { Expr::Has(attr) } else { Expr::Attr(attr) })
            }
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(core, entries),
            Kind::Struct { name, fields } => {
                let planned: Result<_, Issue> = fields
                    .iter()
                    .map(|(name, value, optional)| Ok((name.clone(), self.expr(value)?, *optional)))
                    .collect();
                let literal = StructLiteral { name: name.clone(), fields: planned? };
                Ok(Expr::Struct(Box::new(literal)))
            }
            Kind::Fold(comprehension) => self.fold(comprehension),
            Kind::Call { target, name, args, found } => {
                self.call(core, target.as_deref(), name, args, *found)
            }
        }
    }

    /// Whether members of it are fields of a dynamic object.
    fn is_dynamic(&self, operand: &Core) -> bool {
        self.patches && matches!(&operand.ty, Type::Object(name) if is_dynamic_object(name))
    }

    fn list(&mut self, items: &[(Core, bool)]) -> Result<Expr, Issue> {
        let planned: Result<Vec<_>, Issue> =
            items.iter().map(|(item, optional)| Ok((self.expr(item)?, *optional))).collect();
        let planned = planned?;
        if !planned.iter().all(|(item, _)| is_const(item)) {
            return Ok(Expr::List(planned.into()));
        }
        if let Some((Expr::Const(bad), _)) = planned.iter().find(|(_, optional)| *optional) {
            // No constant is an optional value.
            let message = functions::not_optional_element(&Val::from(bad));
            return Ok(Expr::Fail(message.into()));
        }
        Ok(Expr::Const(Const::List(
            planned.into_iter().filter_map(|(item, _)| constant(item)).collect(),
        )))
    }

    fn map(&mut self, core: &Core, entries: &[(Core, Core, bool)]) -> Result<Expr, Issue> {
        let planned: Result<Vec<_>, Issue> = entries
            .iter()
            .map(|(key, value, optional)| Ok((self.expr(key)?, self.expr(value)?, *optional)))
            .collect();
        let planned = planned?;
        if !planned.iter().all(|(key, value, _)| is_const(key) && is_const(value)) {
            return Ok(Expr::Map(planned.into()));
        }
        let mut made: Vec<(Const, Const)> = Vec::with_capacity(planned.len());
        for (key, value, optional) in planned {
            let (Some(key), Some(value)) = (constant(key), constant(value)) else { continue };
            if matches!(key, Const::Bytes(_)) {
                return issue(core, "bytes cannot be the key of a map");
            }
            if optional {
                let message = functions::not_optional_entry(&Val::from(&key), &Val::from(&value));
                return Ok(Expr::Fail(message.into()));
            }
            // Keys that are equal by Go's rules: of one type, and no lists or maps.
            let same =
                |known: &Const| *known == key && !matches!(key, Const::List(_) | Const::Map(_));
            match made.iter_mut().find(|(known, _)| same(known)) {
                Some((_, known)) => *known = value,
                None => made.push((key, value)),
            }
        }
        Ok(Expr::Const(Const::Map(made.into())))
    }

    fn call(
        &mut self,
        core: &Core,
        target: Option<&Core>,
        name: &str,
        args: &[Core],
        found: Found,
    ) -> Result<Expr, Issue> {
        let mut planned = Vec::with_capacity(args.len() + 1);
        for arg in target.into_iter().chain(args) {
            planned.push(self.expr(arg)?);
        }
        if let Found::Host(function) = found {
            return Ok(Expr::Host { function, args: planned.into() });
        }
        let name = name.trim_start_matches('.');
        match (name, planned.len()) {
            ("_&&_", _) => Ok(Expr::And(flattened(planned, |expr| match expr {
                Expr::And(terms) => Ok(terms),
                other => Err(other),
            }))),
            ("_||_", _) => Ok(Expr::Or(flattened(planned, |expr| match expr {
                Expr::Or(terms) => Ok(terms),
                other => Err(other),
            }))),
            _ => match <[Expr; 3]>::try_from(planned) {
                Ok([condition, yes, no]) if name == "_?_:_" => {
                    let parts = (condition, into_branch(yes), into_branch(no));
                    Ok(attr(Base::If(Box::new(parts))))
                }
                Ok(planned) => self.function(core, name, planned.into(), found),
                Err(planned) => match <[Expr; 2]>::try_from(planned) {
                    Ok([left, right]) => self.binary(core, name, left, right, found),
                    Err(planned) => self.function(core, name, planned, found),
                },
            },
        }
    }

    fn binary(
        &mut self,
        core: &Core,
        name: &str,
        left: Expr,
        right: Expr,
        found: Found,
    ) -> Result<Expr, Issue> {
        Ok(match name {
            "_==_" => Expr::Equal(Box::new((left, right))),
            "_!=_" => Expr::NotEqual(Box::new((left, right))),
            "_[_]" => index(core, left, right, false)?,
            "_[?_]" | "_?._" => index(core, left, right, true)?,
            "or" => Expr::OrElse(Box::new((left, right)), false),
            "orValue" => Expr::OrElse(Box::new((left, right)), true),
            "matches" => match right {
                Expr::Const(Const::Str(pattern)) => {
                    let pattern = LazyPattern::new(&pattern);
                    if let Err(error) = pattern.get() {
                        return issue(core, error);
                    }
                    Expr::Matches(Box::new((left, pattern)))
                }
                right => return self.function(core, name, vec![left, right], found),
            },
            "@in" => match in_set(core, left, right, found)? {
                Ok(done) => done,
                Err((left, right)) => {
                    return self.function(core, name, vec![left, right], found);
                }
            },
            _ => return self.function(core, name, vec![left, right], found),
        })
    }

    fn function(
        &mut self,
        core: &Core,
        name: &str,
        args: Vec<Expr>,
        found: Found,
    ) -> Result<Expr, Issue> {
        if let ([Expr::Const(arg)], true) = (&*args, functions::is_conversion(name)) {
            return match converted(name, arg) {
                Ok(Some(constant)) => Ok(Expr::Const(constant)),
                Ok(None) => issue(core, format!("{name} of a constant that is none")),
                Err(error) => issue(core, error.message),
            };
        }
        let Some(function) = registry().number(name) else {
            return issue(core, format!("the function {name} is not available"));
        };
        let overload = match found {
            Found::Overload(number) => Some(number),
            _ => None,
        };
        let has_pattern = matches!(name, "find" | "findAll");
        if let (true, Some(Expr::Const(Const::Str(pattern)))) = (has_pattern, args.get(1)) {
            if let Err(error) = LazyPattern::new(pattern).get() {
                return issue(core, error);
            }
            let call = Call { function, overload, stops: true, args: args.into() };
            return Ok(Expr::Call(Box::new(call)));
        }
        let stops = match args.len() {
            0 | 1 => false,
            2 => self.stops_at_two(function, overload),
            _ => true,
        };
        Ok(Expr::Call(Box::new(Call { function, overload, stops, args: args.into() })))
    }

    /// Whether a function of two arguments does not read the second when the first
    /// fails: so do those whose overload is chosen by the values, and some that
    /// are written so.
    fn stops_at_two(&self, function: u16, overload: Option<u16>) -> bool {
        let known = &registry().functions[function as usize];
        if known.single.is_some() {
            return false;
        }
        match overload {
            Some(number) => functions::is_variadic(registry().overloads[number as usize].id),
            None => registry().of_minor(function, self.minor).count() > 1,
        }
    }
}

fn is_const(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(_))
}

fn constant(expr: Expr) -> Option<Const> {
    match expr {
        Expr::Const(constant) => Some(constant),
        _ => None,
    }
}

/// `a && b && c` as one.
fn flattened(terms: Vec<Expr>, inner: fn(Expr) -> Result<Box<[Expr]>, Expr>) -> Box<[Expr]> {
    let mut flat = Vec::with_capacity(terms.len());
    for term in terms {
        match inner(term) {
            Ok(terms) => flat.extend(terms),
            Err(term) => flat.push(term),
        }
    }
    flat.into()
}

fn index(core: &Core, operand: Expr, index: Expr, optional: bool) -> Result<Expr, Issue> {
    let mut attr = into_attr(operand);
    attr.push(match index {
        Expr::Const(Const::Str(name)) => Qual::Field(Name(FieldName::new(&name)), optional),
        Expr::Const(key @ (Const::Int(_) | Const::Uint(_) | Const::Double(_) | Const::Bool(_))) => {
            Qual::Const(key, optional)
        }
        Expr::Const(_) => return issue(core, "this constant is no index"),
        Expr::Attr(index) | Expr::Has(index) => Qual::Attr(index, optional),
        other => Qual::Attr(Box::new(into_attr(other)), optional),
    });
    Ok(Expr::Attr(Box::new(attr)))
}

type InSet = Result<Expr, (Expr, Expr)>;

/// `value in [constants]` looks the value up in a set.
fn in_set(core: &Core, value: Expr, list: Expr, found: Found) -> Result<InSet, Issue> {
    let is_list = matches!(found, Found::Overload(number)
        if registry().overloads[number as usize].id == "in_list");
    if is_list && matches!(list, Expr::Fail(_)) {
        return issue(core, "the list cannot be made");
    }
    match list {
        Expr::Const(Const::List(items)) if is_list => {
            if items.is_empty() {
                return Ok(Ok(Expr::Const(Const::Bool(false))));
            }
            let primitive = |item: &Const| {
                matches!(
                    item,
                    Const::Bool(_)
                        | Const::Int(_)
                        | Const::Uint(_)
                        | Const::Double(_)
                        | Const::Str(_)
                )
            };
            if items.iter().all(primitive) {
                return Ok(Ok(Expr::InSet(Box::new((value, items)))));
            }
            Ok(Err((value, Expr::Const(Const::List(items)))))
        }
        list => Ok(Err((value, list))),
    }
}

/// A conversion of a constant; none when its result is no constant.
pub(crate) fn converted(name: &str, arg: &Const) -> Result<Option<Const>, EvalError> {
    functions::converted(name, &Val::from(arg)).map(|value| to_const(&value))
}

fn to_const(value: &Val<'_>) -> Option<Const> {
    Some(match value {
        Val::Null => Const::Null,
        Val::Bool(value) => Const::Bool(*value),
        Val::Int(value) => Const::Int(*value),
        Val::Uint(value) => Const::Uint(*value),
        Val::Double(value) => Const::Double(*value),
        Val::Str(text) => Const::Str((&**text).into()),
        Val::Bytes(bytes) => Const::Bytes((&**bytes).into()),
        Val::Duration(nanos) => Const::Duration(*nanos),
        Val::Time(moment) => Const::Time(moment.0.format().into()),
        Val::Type(name) => Const::Type(crate::value::type_number(name)?),
        Val::List(list) => Const::List(list.items.iter().map(to_const).collect::<Option<_>>()?),
        Val::Map(entries) => Const::Map(
            entries
                .iter()
                .map(|(key, value)| Some((to_const(key)?, to_const(value)?)))
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}
