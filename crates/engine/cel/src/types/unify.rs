//! Type variables and what they stand for, by cel-go's rules.

use super::Type;

/// Type variables. What an attempt binds is taken back when it fails.
#[derive(Default)]
pub(crate) struct Unifier {
    objects_are_maps: bool,
    bound: Vec<Option<Type>>,
    /// What variables stood for before they were bound, oldest first.
    trail: Vec<(u32, Option<Type>)>,
}

impl Unifier {
    /// Whether a typed object may stand for a map, as it is one at run time.
    pub(crate) fn new(objects_are_maps: bool) -> Unifier {
        Unifier { objects_are_maps, ..Unifier::default() }
    }

    /// A new variable.
    pub(crate) fn fresh(&mut self) -> Type {
        Type::Var(self.reserve(1))
    }

    /// `n` new variables; gives the number of the first.
    pub(crate) fn reserve(&mut self, n: u32) -> u32 {
        let first = self.bound.len() as u32;
        self.bound.resize(self.bound.len() + n as usize, None);
        first
    }

    /// A declared type whose variables are numbered from `first` on.
    pub(crate) fn instance(declared: &Type, first: u32) -> Type {
        let inner = |ty: &Type| Unifier::instance(ty, first).into();
        match declared {
            Type::Var(at) => Type::Var(first + at),
            Type::List(item) => Type::List(inner(item)),
            Type::Map(key, value) => Type::Map(inner(key), inner(value)),
            Type::Optional(content) => Type::Optional(inner(content)),
            Type::Type(content) => Type::Type(inner(content)),
            other => other.clone(),
        }
    }

    fn find(&self, variable: u32) -> Option<&Type> {
        self.bound.get(variable as usize)?.as_ref()
    }

    /// A type with its variables replaced as far as they are known.
    pub(crate) fn resolve(&self, ty: &Type) -> Type {
        self.substitute(ty, false)
    }

    /// What stays unknown is dynamic.
    pub(crate) fn finish(&self, ty: &Type) -> Type {
        self.substitute(ty, true)
    }

    fn substitute(&self, ty: &Type, to_dyn: bool) -> Type {
        let inner = |ty: &Type| self.substitute(ty, to_dyn).into();
        match ty {
            Type::Var(variable) => match self.find(*variable) {
                Some(bound) => self.substitute(bound, to_dyn),
                None if to_dyn => Type::Dyn,
                None => ty.clone(),
            },
            Type::List(item) => Type::List(inner(item)),
            Type::Map(key, value) => Type::Map(inner(key), inner(value)),
            Type::Optional(content) => Type::Optional(inner(content)),
            Type::Type(content) => Type::Type(inner(content)),
            other => other.clone(),
        }
    }

    /// Whether a value of type `from` may stand where `to` is wanted; binds
    /// variables if so.
    pub(crate) fn assignable(&mut self, to: &Type, from: &Type) -> bool {
        self.attempt(|unifier| unifier.unify(to, from))
    }

    /// The same for arguments and what an overload wants, all or none.
    pub(crate) fn all_assignable<'t>(
        &mut self,
        pairs: impl Iterator<Item = (&'t Type, Type)>,
    ) -> bool {
        self.attempt(|unifier| {
            for (argument, wanted) in pairs {
                if !unifier.unify(argument, &wanted) {
                    return false;
                }
            }
            true
        })
    }

    fn attempt(&mut self, attempt: impl FnOnce(&mut Unifier) -> bool) -> bool {
        let mark = self.trail.len();
        if attempt(self) {
            self.trail.truncate(mark);
            return true;
        }
        for (variable, before) in self.trail.drain(mark..).rev() {
            self.bound[variable as usize] = before;
        }
        false
    }

    fn bind(&mut self, variable: u32, ty: Type) {
        let before = self.bound[variable as usize].replace(ty);
        self.trail.push((variable, before));
    }

    fn unify(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Var(variable) = b {
            let (fits, was_bound) = self.stands_for(*variable, a);
            if fits || was_bound {
                return fits;
            }
        }
        if let Type::Var(variable) = a {
            return self.stands_for(*variable, b).0;
        }
        match (a, b) {
            (Type::Dyn, _) | (_, Type::Dyn) | (Type::Type(_), Type::Type(_)) => true,
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.unify(a, b)
            }
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.unify(ak, bk) && self.unify(av, bv),
            (Type::Map(..), Type::Object(_)) | (Type::Object(_), Type::Map(..)) => {
                self.objects_are_maps
            }
            _ => a == b,
        }
    }

    /// Whether a variable may stand for a type, and whether it stood for one before.
    fn stands_for(&mut self, variable: u32, ty: &Type) -> (bool, bool) {
        if *ty == Type::Var(variable) {
            return (true, true);
        }
        if let Some(bound) = self.find(variable).cloned() {
            if *ty == bound {
                return (true, true);
            }
            if !self.unify(ty, &bound) {
                return (false, true);
            }
            let general = if is_at_most_as_specific(ty, &bound) { ty.clone() } else { bound };
            if !self.occurs(variable, &general) {
                self.bind(variable, general);
            }
            return (true, true);
        }
        if self.occurs(variable, ty) {
            return (false, false);
        }
        self.bind(variable, ty.clone());
        (true, false)
    }

    fn occurs(&self, variable: u32, within: &Type) -> bool {
        match within {
            Type::Var(other) => {
                *other == variable
                    || self.find(*other).is_some_and(|bound| self.occurs(variable, bound))
            }
            Type::List(item) | Type::Optional(item) | Type::Type(item) => {
                self.occurs(variable, item)
            }
            Type::Map(key, value) => self.occurs(variable, key) || self.occurs(variable, value),
            _ => false,
        }
    }

    /// The common type of two elements of a literal; none when they have none.
    pub(crate) fn join(&mut self, previous: &Type, next: &Type) -> Option<Type> {
        if !self.assignable(previous, next) {
            return None;
        }
        Some(if is_at_most_as_specific(previous, next) { previous } else { next }.clone())
    }
}

fn is_nullable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Optional(_)
            | Type::Opaque(_)
            | Type::Object(_)
            | Type::Duration
            | Type::Timestamp
    )
}

/// Whether the first is the second, or says less where they differ.
fn is_at_most_as_specific(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Dyn | Type::Var(_), _) | (Type::Type(_), Type::Type(_)) => true,
        (_, Type::Dyn | Type::Var(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            is_at_most_as_specific(a, b)
        }
        (Type::Map(ak, av), Type::Map(bk, bv)) => {
            is_at_most_as_specific(ak, bk) && is_at_most_as_specific(av, bv)
        }
        _ => a == b,
    }
}
