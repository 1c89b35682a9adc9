//! Functions of control expressions that plain CEL cannot say. A control that
//! calls one cannot become a native policy.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use ironhull_cel::{EvalError, Host, Trace, Type, Val};
use ironhull_model::{Builder, Node, Value, selector};
use ironhull_process::command::Command;

/// A host function's declaration. Its id is its index in [`FUNCTIONS`].
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How many parameters, all dynamic.
    pub n_params: usize,
    /// What it gives.
    gives: Gives,
    /// What it does, for the reference.
    pub text: &'static str,
}

impl Function {
    /// Parameter types.
    pub fn params(&self) -> Vec<Type> {
        vec![Type::Dyn; self.n_params]
    }

    /// Result type.
    pub fn result(&self) -> Type {
        match self.gives {
            Gives::Bool => Type::Bool,
            Gives::OptionalText => Type::Optional(Type::String.into()),
            Gives::Anything => Type::Dyn,
        }
    }
}

/// What a host function gives.
enum Gives {
    Bool,
    OptionalText,
    Anything,
}

/// All host functions.
pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "selects",
        n_params: 2,
        gives: Gives::Bool,
        text: "selects(selector, labels): whether a LabelSelector (or a plain map of labels) \
               selects a map of labels; an empty selector selects everything",
    },
    Function {
        name: "selectsNamespace",
        n_params: 3,
        gives: Gives::Bool,
        text: "selectsNamespace(selector, name, labels): whether a LabelSelector selects the \
               namespace of that name and labels; the API server adds kubernetes.io/metadata.name",
    },
    Function {
        name: "runs",
        n_params: 2,
        gives: Gives::Bool,
        text: "runs(container, program): whether the container's command line starts that \
               component of Kubernetes: kube-apiserver, etcd, …",
    },
    Function {
        name: "flag",
        n_params: 2,
        gives: Gives::OptionalText,
        text: "flag(container, name): the value of a component's flag, as its program takes it; \
               none when it is not given, unknown when only the running container knows",
    },
    Function {
        name: "flagAt",
        n_params: 2,
        gives: Gives::Anything,
        text: "flagAt(container, name): the word of the command line that gives a flag; the \
               command when none does",
    },
    Function {
        name: "inFile",
        n_params: 2,
        gives: Gives::Bool,
        text: "inFile(container, name): unknown when a flag names a file, in which it may be \
               said; false when the flag is not given",
    },
];

const FLAG: usize = 3;

/// Answers calls.
#[derive(Default)]
pub struct Functions {
    /// What was asked for and stands where nobody looked.
    unread: RefCell<Vec<String>>,
}

impl Functions {
    /// What could not be read since the last call.
    pub fn take_unread(&self) -> Vec<String> {
        let mut unread = self.unread.take();
        unread.dedup();
        unread
    }

    /// Notes what could not be read for a value that was made before.
    pub fn not_read(&self, what: &[String]) {
        self.unread.borrow_mut().extend_from_slice(what);
    }

    fn unknown<'a>(&self, what: String) -> Val<'a> {
        self.unread.borrow_mut().push(what);
        Val::Unknown
    }
}

/// The command line of a container that an expression names.
fn command<'a>(container: &Val<'a>) -> Option<Command<'a>> {
    Command::of(container.node()?)
}

/// Where a command line stands.
fn command_node(container: Node<'_>) -> Node<'_> {
    container.get("command").or_else(|| container.get("args")).unwrap_or(container)
}

impl Host for Functions {
    fn reads<'a>(&self, id: usize, args: &[Val<'a>], trace: &mut dyn Trace<'a>) -> bool {
        let (FLAG, [container, name]) = (id, args) else { return false };
        let Some(node) = container.node() else { return false };
        let name = name.display();
        match command(container).and_then(|command| command.flag(&name)) {
            Some(flag) => trace.read(flag.node),
            None => trace.absent(command_node(node), &format!("--{name}")),
        }
        true
    }

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
            (2, [container, program]) => {
                let is_it = |found: Command<'_>| found.program() == program.display();
                Ok(Val::Bool(command(container).is_some_and(is_it)))
            }
            (FLAG, [container, name]) => {
                let name = name.display();
                let flag = command(container).and_then(|command| command.flag(&name));
                Ok(match flag.map(|flag| flag.value) {
                    None => Val::Optional(None),
                    Some(None) => self.unknown(format!("the value of --{name}")),
                    Some(Some(value)) => Val::Optional(Some(Rc::new(Val::Str(Cow::Owned(value))))),
                })
            }
            (4, [container, name]) => {
                let node = container.node().ok_or_else(|| {
                    EvalError::new("flagAt: the container must be part of an object")
                })?;
                let flag = command(container).and_then(|command| command.flag(&name.display()));
                Ok(Val::from_node(flag.map_or_else(|| command_node(node), |flag| flag.node)))
            }
            (5, [container, name]) => {
                let name = name.display();
                let flag = command(container).and_then(|command| command.flag(&name));
                Ok(match flag {
                    None => Val::Bool(false),
                    Some(_) => self.unknown(format!("the file of --{name}")),
                })
            }
            _ => Err(EvalError::new("no such host function")),
        }
    }
}

/// A namespace's labels with the one that the API server adds.
pub(crate) fn namespace_labels(name: &str, labels: Option<Node<'_>>) -> Value {
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
