//! Functions of control expressions that plain CEL cannot say. A control that
//! calls one cannot become a native policy.

use ironhull_cel::{EvalError, Host, Type, Val};
use ironhull_model::selector;

/// A host function's declaration. Its id is its index in [`FUNCTIONS`].
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How many parameters, all dynamic.
    pub n_params: usize,
    /// What it does, for the reference.
    pub text: &'static str,
}

impl Function {
    /// Parameter types.
    pub fn params(&self) -> Vec<Type> {
        vec![Type::Dyn; self.n_params]
    }

    /// Result type: all are predicates.
    pub fn result(&self) -> Type {
        Type::Bool
    }
}

/// All host functions.
pub const FUNCTIONS: &[Function] = &[Function {
    name: "selects",
    n_params: 2,
    text: "selects(selector, labels): whether a LabelSelector (or a plain map of labels) selects \
           a map of labels; an empty selector selects everything",
}];

/// Answers calls.
pub struct Functions;

impl Host for Functions {
    fn call<'a>(&self, id: usize, args: &[Val<'a>]) -> Result<Val<'a>, EvalError> {
        match (id, args) {
            (0, [selector, labels]) => {
                let selector = selector.node().ok_or_else(|| {
                    EvalError::new("selects: the selector must be part of an object")
                })?;
                let labels = labels.node();
                Ok(Val::Bool(selector::selects(selector, labels)))
            }
            _ => Err(EvalError::new("no such host function")),
        }
    }
}
