//! Every function with its overloads, by number: what the checker resolves a
//! call to and what the evaluator runs.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::cost;
use super::declarations::Declarations;
use crate::functions::{self, Direct};
use crate::types::Type;

/// One overload.
pub(crate) struct Overload {
    pub(crate) id: &'static str,
    /// The Kubernetes minors that have it.
    pub(crate) since: u32,
    pub(crate) until: u32,
    pub(crate) is_method: bool,
    /// Whether only expressions of mutations have it.
    pub(crate) is_of_patches: bool,
    /// With the receiver first; variables are numbered from 0.
    pub(crate) arguments: Vec<Type>,
    pub(crate) result: Type,
    pub(crate) n_parameters: u32,
    /// What runs it, if it is not the library that knows it by its name.
    pub(crate) direct: Option<Direct>,
    /// Whether calls cost 1, whatever their arguments are.
    pub(crate) is_plain: bool,
}

/// One function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// By number, in the order in which they are tried.
    pub(crate) overloads: Vec<u16>,
    /// Runs all overloads alike.
    pub(crate) single: Option<Direct>,
    /// Whether values are checked against the overloads' types.
    pub(crate) guarded: bool,
    /// Whether a call whose overload is not known costs 1.
    pub(crate) is_plain: bool,
    /// Whether members of its arguments that are masked make what it gives unknown.
    pub(crate) looks_inside: bool,
}

/// All functions and overloads.
pub(crate) struct Registry {
    pub(crate) functions: Vec<Function>,
    pub(crate) overloads: Vec<Overload>,
    by_name: HashMap<&'static str, u16>,
}

impl Registry {
    /// The number of a function.
    pub(crate) fn number(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The overloads of a function in a minor, in the order in which they are tried.
    pub(crate) fn of_minor(
        &self,
        function: u16,
        minor: u32,
    ) -> impl Iterator<Item = (u16, &Overload)> {
        let numbers = self.functions.get(function as usize).map(|function| &*function.overloads);
        numbers
            .unwrap_or_default()
            .iter()
            .map(|&number| (number, &self.overloads[number as usize]))
            .filter(move |(_, overload)| (overload.since..=overload.until).contains(&minor))
    }

    fn build() -> Registry {
        let mut registry =
            Registry { functions: Vec::new(), overloads: Vec::new(), by_name: HashMap::new() };
        for declared in Declarations::all() {
            let number = registry.overloads.len() as u16;
            let mut parameters = Vec::new();
            let arguments = declared
                .arguments
                .iter()
                .map(|argument| Type::declared(argument, &mut parameters))
                .collect();
            let result = Type::declared(&declared.result, &mut parameters);
            registry.overloads.push(Overload {
                id: declared.id,
                since: declared.since,
                until: declared.until,
                is_method: declared.is_method,
                is_of_patches: declared.is_of_patches,
                arguments,
                result,
                n_parameters: parameters.len() as u32,
                direct: functions::of_overload(declared.id),
                is_plain: cost::is_plain(declared.function, declared.id),
            });
            let next = registry.functions.len() as u16;
            let function = *registry.by_name.entry(declared.function).or_insert(next);
            if function == next {
                registry.functions.push(Function {
                    name: declared.function,
                    overloads: Vec::new(),
                    single: functions::of_function(declared.function),
                    guarded: !matches!(
                        declared.function,
                        "contains" | "startsWith" | "endsWith" | "flatten"
                    ),
                    is_plain: cost::is_plain(declared.function, ""),
                    looks_inside: functions::looks_inside(declared.function),
                });
            }
            registry.functions[function as usize].overloads.push(number);
        }
        registry
    }
}

/// The registry.
pub(crate) fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::build)
}
