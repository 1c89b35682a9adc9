//! What a control is once compiled. Plain data, so that the catalogue can carry
//! it ready-made.

use ironhull_cel::Program;
use ironhull_model::{Minor, Severity, Wanted};
use ironhull_schema::Schema;
use serde::{Deserialize, Serialize};

/// Where in the life of an estate a control looks (GOV-01).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    /// Images and what goes into them.
    Build,
    /// Where images are kept.
    Registry,
    /// The cluster's own objects and rights.
    Cluster,
    /// Machines.
    Node,
    /// Workloads.
    Application,
    /// What clusters stand on.
    Infrastructure,
}

impl Surface {
    /// All surfaces, in the order of an estate's life.
    pub const ALL: [(&'static str, Surface); 6] = [
        ("build", Surface::Build),
        ("registry", Surface::Registry),
        ("cluster", Surface::Cluster),
        ("node", Surface::Node),
        ("application", Surface::Application),
        ("infrastructure", Surface::Infrastructure),
    ];
}

/// Which subjects a control judges.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Applies {
    /// Every object that holds a pod template, and pods.
    Pods,
    /// Every object that an API server keeps.
    Any,
    /// Objects of these kinds: (group, kind); a group of `*` is any group.
    Kinds(Vec<(Box<str>, Box<str>)>),
    /// The estate as a whole, once.
    Cluster,
}

/// What controls need of a cluster: the kinds of Kubernetes itself as a whole, because
/// engines and the controls over every kind ask them, and of others those that a
/// control names.
pub fn wanted(controls: &[&Control], schema: Schema) -> Wanted {
    let named = controls.iter().flat_map(|control| {
        let applies = match &control.applies {
            Applies::Kinds(kinds) => kinds.as_slice(),
            _ => &[],
        };
        applies.iter().chain(control.related.iter().flat_map(|related| &related.kinds))
    });
    let named = named.map(|(group, kind)| (group.to_string(), kind.to_string()));
    let known = schema.kinds().map(|info| (info.group.to_owned(), info.kind.to_owned()));
    Wanted { whole: named.chain(known).collect(), ..Wanted::default() }
}

/// A reference into a table of requirements: a catalogue row or an item of a standard.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Mapping {
    /// `BLD-06`, or an item of a standard.
    pub item: Box<str>,
    /// Which part is covered; none when the whole is.
    pub part: Option<Box<str>>,
}

/// Items of one standard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Standard {
    /// `cis`, `nsa`, `pss`, `aks`, `mcsb`, `mitre`.
    pub name: Box<str>,
    /// The standard's version, where a control names it.
    pub version: Option<Box<str>>,
    /// Which items.
    pub items: Vec<Mapping>,
}

/// Other objects that a rule looks at.
#[derive(Debug, Serialize, Deserialize)]
pub struct Related {
    /// Their name in expressions.
    pub name: Box<str>,
    /// Their kinds: (group, kind).
    pub kinds: Vec<(Box<str>, Box<str>)>,
    /// Whether objects that another one owns are left out (`kind: workloads`).
    pub unowned: bool,
    /// Only those in the subject's namespace; in the namespace, if the subject is one.
    pub in_namespace: bool,
    /// Which of them.
    pub join: Join,
}

/// How related objects are found. All but [`Join::All`] are looked up in an
/// index, so that judging n objects stays n look-ups.
#[derive(Debug, Serialize, Deserialize)]
pub enum Join {
    /// All of the kind.
    All,
    /// Those whose value at a path equals `is`, or one of its items; of several paths
    /// what stands at each, with a slash between.
    By {
        /// Member names from the object, or from its pod or template metadata
        /// where the first is `pod` or `meta`.
        paths: Vec<Vec<Box<str>>>,
        /// What it equals.
        is: Expression,
    },
    /// Those whose labels (of the pod template, where there is one) a selector selects.
    SelectedBy(Expression),
    /// Those whose selector at `path` selects labels.
    Selecting {
        /// Where their selector stands.
        path: Vec<Box<str>>,
        /// The labels.
        labels: Expression,
    },
}

/// A named expression.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bound {
    /// Its name.
    pub name: Box<str>,
    /// Its value.
    pub program: Expression,
}

/// A compiled expression with its text.
#[derive(Debug, Serialize, Deserialize)]
pub struct Expression {
    /// As the author wrote it.
    pub text: Box<str>,
    /// Compiled.
    #[serde(with = "program_bytes")]
    pub program: Program,
}

/// Text with expressions in braces.
#[derive(Debug, Serialize, Deserialize)]
pub struct Template(pub Vec<Part>);

/// A piece of a [`Template`].
#[derive(Debug, Serialize, Deserialize)]
pub enum Part {
    /// As is.
    Text(Box<str>),
    /// The value of an expression.
    Value(Expression),
}

/// Where a repair step works: a binding's node and names below it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Target {
    /// Which binding.
    pub slot: usize,
    /// Member names from there.
    pub path: Vec<Box<str>>,
}

/// One step of a repair, before it meets an object.
#[derive(Debug, Serialize, Deserialize)]
pub enum Step {
    /// Write a value (compact JSON whose strings may be templates).
    Set(Target, Literal),
    /// Append a value to a list.
    Append(Target, Literal),
    /// Take away.
    Remove(Target),
    /// Take away when nothing else refers to it (volumes).
    Prune(Target),
    /// Create an object.
    Create(Literal),
    /// Ask a person.
    Ask(Template),
}

/// A value in a repair: JSON in which a string of the form `{expression}` stands
/// for the expression's value.
#[derive(Debug, Serialize, Deserialize)]
pub enum Literal {
    /// A scalar or empty container as JSON text.
    Json(Box<str>),
    /// A string with expressions.
    Text(Template),
    /// An expression's value.
    Value(Expression),
    /// A list.
    List(Vec<Literal>),
    /// A map.
    Map(Vec<(Box<str>, Literal)>),
}

/// How bad a violation is: the first line whose condition is true or unknown.
#[derive(Debug, Serialize, Deserialize)]
pub struct SeverityLine {
    /// The severity.
    pub severity: Severity,
    /// Its condition; none is true.
    pub when: Option<Expression>,
}

/// A rule in CEL.
#[derive(Debug, Serialize, Deserialize)]
pub struct CelRule {
    /// Named values of the whole subject.
    pub lets: Vec<Bound>,
    /// Whom it is about; false is not applicable.
    pub when: Option<Expression>,
    /// Nested bindings over lists.
    pub each: Vec<Bound>,
    /// Where findings point; none is the last binding that is a node.
    pub at: Option<Expression>,
    /// What must hold.
    pub must: Expression,
    /// What excuses.
    pub unless: Option<Expression>,
    /// What to say when it does not hold.
    pub message: Template,
    /// What helps.
    pub repair: Vec<Step>,
}

/// What decides.
#[derive(Debug, Serialize, Deserialize)]
pub enum Rule {
    /// Expressions.
    Cel(Box<CelRule>),
    /// An adapter over an engine, by name; see [`crate::native`].
    Native(Box<str>),
}

/// One sentence that must hold.
#[derive(Debug, Serialize, Deserialize)]
pub struct Control {
    /// Its name for ever.
    pub id: Box<str>,
    /// Requirement rows it claims.
    pub catalogue: Vec<Mapping>,
    /// Where it looks.
    pub surface: Surface,
    /// The sentence.
    pub title: Box<str>,
    /// Why it matters.
    pub why: Box<str>,
    /// Whom it judges.
    pub applies: Applies,
    /// The first minor it is for.
    pub from: Option<Minor>,
    /// The first minor it is not for any more.
    pub until: Option<Minor>,
    /// Parameters with their defaults, as compact JSON.
    pub params: Box<str>,
    /// Joins.
    pub related: Vec<Related>,
    /// Facts without which it is unknown.
    pub needs: Vec<Box<str>>,
    /// Facts that may excuse or sharpen.
    pub helps: Vec<Box<str>>,
    /// What decides.
    pub rule: Rule,
    /// What works today and doing its repairs may stop; none when they stop nothing.
    pub may: Option<Box<str>>,
    /// How bad a violation is.
    pub severity: Vec<SeverityLine>,
    /// Items of standards.
    pub standards: Vec<Standard>,
    /// Packs it is part of.
    pub packs: Vec<Box<str>>,
    /// Whether it can be installed as a native ValidatingAdmissionPolicy.
    pub portable: bool,
    /// The control file's examples as JSON, for `explain`, canaries and tests.
    pub examples: Box<str>,
}

impl Control {
    /// Whether it is for this minor.
    pub fn is_for(&self, minor: Minor) -> bool {
        self.from.is_none_or(|from| minor >= from) && self.until.is_none_or(|until| minor < until)
    }

    /// The worst severity it can have.
    pub fn worst(&self) -> Severity {
        self.severity.iter().map(|line| line.severity).max().unwrap_or(Severity::Medium)
    }
}

mod program_bytes {
    //! Programs as their own encoding.
    use ironhull_cel::Program;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(program: &Program, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&program.encode())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Program, D::Error> {
        let bytes = <&[u8]>::deserialize(from)?;
        Program::decode(bytes).map_err(D::Error::custom)
    }
}
