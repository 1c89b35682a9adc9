//! Environments: what names mean for one Kubernetes minor.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use ironhull_model::Minor;

use crate::Issue;
use crate::library::declarations::{Declarations, Macro, Overload};
use crate::parser::{self, Node};
use crate::types::{Type, TypeProvider};

/// The functions and macros of one minor, by name.
pub(crate) struct Functions {
    pub(crate) overloads: HashMap<&'static str, Vec<Overload>>,
    pub(crate) macros: Vec<Macro>,
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

fn functions(minor: Minor) -> &'static Functions {
    static OF_MINOR: [OnceLock<Functions>; (LAST - FIRST + 1) as usize] =
        [const { OnceLock::new() }; (LAST - FIRST + 1) as usize];
    let minor = minor.minor.clamp(FIRST, LAST);
    OF_MINOR[(minor - FIRST) as usize].get_or_init(|| {
        let declarations = Declarations::of_minor(u32::from(minor));
        let mut overloads: HashMap<&'static str, Vec<Overload>> = HashMap::new();
        for overload in declarations.overloads {
            overloads.entry(overload.function).or_default().push(overload);
        }
        Functions { overloads, macros: declarations.macros }
    })
}

impl Env {
    /// What the API server of a minor accepts in a policy's expression.
    pub fn new(minor: Minor) -> Env {
        Env {
            functions: functions(minor),
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
}
