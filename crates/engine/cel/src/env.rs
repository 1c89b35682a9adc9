//! Environments: what names mean for one Kubernetes minor.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use ironhull_model::Minor;

use crate::Issue;
use crate::library::declarations::{Declarations, Macro};
use crate::library::registry::registry;
use crate::parser::{self, Node};
use crate::types::{Type, TypeProvider};

/// The functions and macros of one minor, by name.
pub(crate) struct Functions {
    /// Overloads by their numbers in the registry.
    pub(crate) overloads: HashMap<&'static str, Vec<u16>>,
    pub(crate) macros: Vec<Macro>,
    pub(crate) minor: u32,
    /// Whether objects and patches of mutations can be made.
    pub(crate) patches: bool,
}

/// A helper that is expanded when an expression is compiled.
#[derive(Clone)]
pub(crate) struct Helper {
    pub(crate) params: Vec<Box<str>>,
    pub(crate) body: Arc<Node>,
}

/// A host function.
#[derive(Clone)]
pub(crate) struct HostFunction {
    pub(crate) params: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) receiver: bool,
}

/// What an expression may name: the libraries of one Kubernetes minor, variables,
/// helpers, host functions, object types.
#[derive(Clone)]
pub struct Env {
    pub(crate) functions: &'static Functions,
    pub(crate) variables: Vec<(Box<str>, Type)>,
    pub(crate) helpers: HashMap<Box<str>, Helper>,
    pub(crate) hosts: Vec<(Box<str>, HostFunction)>,
    pub(crate) provider: Option<Arc<dyn TypeProvider>>,
}

/// The minors whose libraries differ.
const FIRST: u16 = 28;
const LAST: u16 = 37;

fn functions(minor: u16, patches: bool) -> &'static Functions {
    static OF_MINOR: [[OnceLock<Functions>; (LAST - FIRST + 1) as usize]; 2] =
        [const { [const { OnceLock::new() }; (LAST - FIRST + 1) as usize] }; 2];
    let minor = minor.clamp(FIRST, LAST);
    OF_MINOR[usize::from(patches)][(minor - FIRST) as usize].get_or_init(|| {
        let minor = u32::from(minor);
        let overloads = registry().functions.iter().enumerate().map(|(function, declared)| {
            let of_minor = registry().of_minor(function as u16, minor);
            let available = of_minor.filter(|(_, overload)| patches || !overload.is_of_patches);
            (declared.name, available.map(|(number, _)| number).collect::<Vec<_>>())
        });
        Functions {
            overloads: overloads.filter(|(_, numbers)| !numbers.is_empty()).collect(),
            macros: Declarations::of_minor(minor).macros,
            minor,
            patches,
        }
    })
}

impl Env {
    /// What the API server of a minor accepts in a policy's expression.
    pub fn new(minor: Minor) -> Env {
        Env {
            functions: functions(minor.minor, false),
            variables: Vec::new(),
            helpers: HashMap::new(),
            hosts: Vec::new(),
            provider: None,
        }
    }

    /// Declares a variable; gives its slot. A later one of the same name hides
    /// the earlier.
    pub fn variable(&mut self, name: &str, ty: Type) -> usize {
        self.variables.push((name.into(), ty));
        self.variables.len() - 1
    }

    /// Declares a function that the evaluation's [`crate::Host`] answers; gives
    /// its number.
    pub fn host_function(
        &mut self,
        name: &str,
        params: &[Type],
        result: Type,
        receiver: bool,
    ) -> usize {
        self.hosts.push((name.into(), HostFunction { params: params.to_vec(), result, receiver }));
        self.hosts.len() - 1
    }

    /// Defines a compile-time helper: a global call `name(args…)` stands for
    /// `body` with its parameters replaced.
    pub fn define_macro(
        &mut self,
        name: &str,
        params: &[&str],
        body: &str,
    ) -> Result<(), Vec<Issue>> {
        let body = parser::parse(body).map_err(|issue| vec![issue])?;
        let params = params.iter().map(|param| (*param).into()).collect();
        self.helpers.insert(name.into(), Helper { params, body: Arc::new(body) });
        Ok(())
    }

    /// Names the provider of object types.
    pub fn types(&mut self, provider: Arc<dyn TypeProvider>) {
        self.provider = Some(provider);
    }

    /// Adds what expressions of mutations have: the types `Object` and `JSONPatch`
    /// with their literals, and `jsonpatch.escapeKey`.
    pub fn patch_types(&mut self) {
        self.functions = functions(self.functions.minor as u16, true);
    }

    /// The type of that name, if it is one that expressions may name.
    pub(crate) fn type_named(&self, name: &str) -> Option<Type> {
        let dynamic = || Arc::new(Type::Dyn);
        match name {
            "dyn" | "any" | "null" | "google.protobuf.Any" => None,
            "list" => Some(Type::List(dynamic())),
            "map" => Some(Type::Map(dynamic(), dynamic())),
            "optional_type" => Some(Type::Optional(dynamic())),
            "type" => Some(Type::Opaque("type".into())),
            "net.IP" | "net.CIDR" => {
                (self.functions.minor >= 30).then(|| Type::Opaque(name.into()))
            }
            name => Type::named(name),
        }
    }

    /// Whether names such as `a.b` may begin with this one.
    pub(crate) fn has_qualified_names(&self, first: &str) -> bool {
        matches!(first, "google" | "net")
            || self.variables.iter().any(|(known, _)| {
                known.strip_prefix(first).is_some_and(|rest| rest.starts_with('.'))
            })
    }

    /// Whether there is a function of that name.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.functions.overloads.contains_key(name)
            || self.hosts.iter().any(|(known, _)| **known == *name)
    }
}
