//! Functions of control expressions that plain CEL cannot say. A control that
//! calls one cannot become a native policy.

use ironhull_cel::{EvalError, Host, Type, Val};
use ironhull_model::{Builder, Node, Value, selector};

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
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "selects",
        n_params: 2,
        text: "selects(selector, labels): whether a LabelSelector (or a plain map of labels) \
               selects a map of labels; an empty selector selects everything",
    },
    Function {
        name: "selectsNamespace",
        n_params: 3,
        text: "selectsNamespace(selector, name, labels): whether a LabelSelector selects the \
               namespace of that name and labels; the API server adds kubernetes.io/metadata.name",
    },
];

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
            (1, [selector, name, labels]) => {
                let selector = selector.node().ok_or_else(|| {
                    EvalError::new("selectsNamespace: the selector must be part of an object")
                })?;
                let labels = namespace_labels(&name.display(), labels.node());
                Ok(Val::Bool(selector::selects(selector, Some(labels.root()))))
            }
            _ => Err(EvalError::new("no such host function")),
        }
    }
}

/// A namespace's labels with the one that the API server adds.
fn namespace_labels(name: &str, labels: Option<Node<'_>>) -> Value {
    const NAME: &str = "kubernetes.io/metadata.name";
    let mut builder = Builder::new();
    builder.begin_map(0);
    for (key, value) in labels.into_iter().flat_map(Node::entries).filter(|(key, _)| *key != NAME) {
        builder.key(key, 0);
        builder.copy(value);
    }
    builder.key(NAME, 0);
    builder.str(name, 0, 0);
    builder.end(0);
    builder.finish()
}
