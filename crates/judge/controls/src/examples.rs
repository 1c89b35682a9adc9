//! A control's own examples: each is an estate and what the control must say of
//! it. They are tests, canaries, and what `explain` shows.

use std::sync::Arc;

use ironhull_model::snapshot::{self, About};
use ironhull_model::{
    Builder, Coverage, Fact, Finding, Kind, Minor, Node, Object, Snapshot, Value, Verdict, World,
};
use ironhull_schema::{Schema, defaults, rbac};
use ironhull_secrets::Salt;

use crate::control::Control;
use crate::judge::{Judge, Judgement};
use crate::policies::Assignment;
use crate::reader;

/// One example, ready to judge.
pub struct Example {
    /// The estate.
    pub snapshot: Snapshot,
    /// Parameters beside it.
    pub params: Option<Value>,
    /// The objects as a client would send them: defaulted, and nothing masked.
    pub sent: Vec<Value>,
    /// What is expected, as written.
    expect: Value,
}

/// All examples of a control. An example that cannot be read is an error text.
pub fn read(control: &Control) -> Vec<Result<Example, String>> {
    let Ok(all) = serde_json::from_str::<Value>(&control.examples) else {
        return vec![Err("examples are unreadable".to_owned())];
    };
    all.root().items().map(|item| example(item)).collect()
}

/// What a control's examples lack to show that its rule decides: a violation, and
/// beside it a near-miss. Nothing where one cannot be read, which [`run`] tells.
pub fn lacks(control: &Control) -> Option<&'static str> {
    let examples = read(control).into_iter().collect::<Result<Vec<_>, _>>().ok()?;
    let any = |wanted: fn(&Example) -> bool| examples.iter().any(wanted);
    if !any(Example::expects_violation) {
        return Some("no example violates it: write one, with what is expected at which place");
    }
    let missing = "no example holds: write a near-miss, which differs from a violation only in the deciding field";
    (!any(|example| example.expect.root().as_str() == Some("holds"))).then_some(missing)
}

/// What an example may say of a violation.
const SAYS: [&str; 4] = ["subject", "at", "severity", "message"];

fn example(item: Node<'_>) -> Result<Example, String> {
    const KNOWN: [&str; 6] = ["given", "expect", "params", "kubernetes", "facts", "complete"];
    if let Some((unknown, _)) = item.entries().find(|(key, _)| !KNOWN.contains(key)) {
        return Err(format!("unknown field {unknown:?} in an example"));
    }
    let minor = match item.get("kubernetes") {
        None => Minor::NEWEST,
        Some(version) => version
            .display()
            .parse()
            .map_err(|error: ironhull_model::version::ParseMinorError| error.to_string())?,
    };
    let mut snapshot = Snapshot::new(minor);
    if item.get("complete").and_then(Node::as_bool) != Some(false) {
        snapshot.coverage = Coverage::Complete;
    }
    let mut sent = Vec::new();
    for given in item.get("given").ok_or("an example has no given")?.items() {
        let mut object = completed(given, minor)?;
        sent.push(object.value.clone());
        let secrets = ironhull_secrets::redact(&mut object, &Salt::new(&[]));
        snapshot.facts.extend(secrets.iter().filter_map(|found| found.fact(&object)));
        snapshot.objects.push(Arc::new(object));
    }
    if snapshot.objects.iter().any(|object| &*object.thing.group == "rbac.authorization.k8s.io") {
        let assumed =
            rbac::defaults(minor).filter_map(|value| Object::new(value, None)).map(|mut object| {
                object.standing = ironhull_model::Standing::Assumed;
                Arc::new(object)
            });
        snapshot.objects.extend(assumed.collect::<Vec<_>>());
    }
    for (name, node) in item.get("facts").into_iter().flat_map(Node::entries) {
        let fact = snapshot::declared(name).ok_or_else(|| format!("unknown fact {name:?}"))?;
        let thing = match fact.about {
            About::Cluster => snapshot.cluster.thing.clone(),
            About::Object => {
                snapshot.objects.first().ok_or("facts without an object")?.thing.clone()
            }
        };
        snapshot.facts.push(Fact {
            thing,
            name: fact.name,
            value: node.to_value(),
            source: "example".to_owned(),
        });
    }
    ironhull_schema::crd::complete(&mut snapshot.objects);
    snapshot.seal();
    let params = item.get("params").map(Node::to_value);
    let expect = item.get("expect").ok_or("an example has no expect")?;
    for (field, _) in expect.items().flat_map(Node::entries) {
        if !SAYS.contains(&field) {
            let nearest = reader::nearest(field, &SAYS);
            let hint = nearest.map_or_else(String::new, |near| format!("; did you mean {near:?}?"));
            return Err(format!("unknown field {field:?} in a violation of expect{hint}"));
        }
    }
    let expect = expect.to_value();
    Ok(Example { snapshot, params, sent, expect })
}

/// An example's object with what may be left out: apiVersion where the kind
/// tells it, and the name.
fn completed(given: Node<'_>, minor: Minor) -> Result<Object, String> {
    let kind = given.get("kind").and_then(Node::as_str).ok_or("a given object has no kind")?;
    let mut builder = Builder::new();
    builder.begin_map(0);
    if given.get("apiVersion").is_none() {
        let version = Schema::of(minor)
            .preferred_api_version(kind)
            .ok_or_else(|| format!("kind {kind} needs its apiVersion"))?;
        builder.key("apiVersion", 0);
        builder.str(&version, 0, 0);
    }
    for (key, child) in given.entries() {
        builder.key(key, 0);
        if key == "metadata" { metadata(Some(child), &mut builder) } else { builder.copy(child) }
    }
    if given.get("metadata").is_none() {
        builder.key("metadata", 0);
        metadata(None, &mut builder);
    }
    builder.end(0);
    let value = defaults::apply(Schema::of(minor), &builder.finish());
    Object::new(value, None).ok_or_else(|| format!("a given {kind} is no object"))
}

fn metadata(given: Option<Node<'_>>, builder: &mut Builder) {
    builder.begin_map(0);
    let named =
        given.is_some_and(|node| node.get("name").is_some() || node.get("generateName").is_some());
    if !named {
        builder.key("name", 0);
        builder.str("example", 0, 0);
    }
    for (key, child) in given.into_iter().flat_map(Node::entries) {
        builder.key(key, 0);
        builder.copy(child);
    }
    builder.end(0);
}

/// Judges one example by its control.
pub fn judge(control: &Control, example: &Example) -> Judgement {
    let controls = [control];
    let assignments = [Assignment::by_default(0, control, example.params.as_ref())];
    let judge = Judge::new(World::new(&example.snapshot), &controls, &assignments);
    let mut judgement = judge.judgement();
    for object in &example.snapshot.objects {
        judge.object(object, &mut judgement);
    }
    judge.estate(&mut judgement);
    judgement.seal();
    judgement
}

/// Runs all examples of a control: for each nothing, or how it differs.
pub fn run(control: &Control) -> Vec<Result<(), String>> {
    let compared = |example: Result<Example, String>| compare(control, &example?);
    read(control).into_iter().map(compared).collect()
}

impl Example {
    /// The same estate with one of its objects replaced.
    pub fn with(&self, index: usize, object: Object) -> Snapshot {
        let mut snapshot = Snapshot::new(self.snapshot.minor);
        snapshot.coverage = self.snapshot.coverage.clone();
        snapshot.objects.clone_from(&self.snapshot.objects);
        snapshot.facts.clone_from(&self.snapshot.facts);
        if let Some(old) = snapshot.objects.get_mut(index) {
            *old = Arc::new(object);
        }
        snapshot.seal();
        snapshot
    }

    /// Whether a violation is expected.
    pub fn expects_violation(&self) -> bool {
        self.expect.root().kind() == Kind::List
    }
}

/// Whether an example comes out as written; if not, how it differs.
pub fn compare(control: &Control, example: &Example) -> Result<(), String> {
    let judgement = judge(control, example);
    if let Some(error) = judgement.errors.first() {
        return Err(error.message.clone());
    }
    let verdict = judgement.tallies.first().map_or(Verdict::NotApplicable, |tally| tally.verdict());
    let expect = example.expect.root();
    if let Some(word) = expect.as_str() {
        let wanted = match word {
            "holds" => Verdict::Holds,
            "na" => Verdict::NotApplicable,
            "unknown" => Verdict::Unknown,
            _ => {
                return Err(format!(
                    "expect {word:?} is none of holds, na, unknown, or a list of violations"
                ));
            }
        };
        return if verdict == wanted {
            Ok(())
        } else {
            Err(format!("expected {word}, is {verdict:?}: {}", shown(&judgement.findings)))
        };
    }
    let found: Vec<&Finding> =
        judgement.findings.iter().filter(|finding| finding.verdict == Verdict::Violated).collect();
    let wanted: Vec<Node<'_>> = expect.items().collect();
    let unmatched =
        wanted.iter().find(|wanted| !found.iter().any(|finding| matches(finding, **wanted)));
    match unmatched {
        Some(wanted) => {
            Err(format!("expected {}, found {}", wanted.to_json(), shown(&judgement.findings)))
        }
        None if found.len() != wanted.len() => Err(format!(
            "expected {} violations, found {}",
            wanted.len(),
            shown(&judgement.findings)
        )),
        // Two that are expected may be the same one that is found.
        None => match found.iter().find(|found| !wanted.iter().any(|node| matches(found, *node))) {
            Some(other) => Err(format!("found {}, which is not expected", one(other))),
            None => Ok(()),
        },
    }
}

fn matches(finding: &Finding, wanted: Node<'_>) -> bool {
    let text = |name: &str| wanted.get(name).map(Node::display);
    text("at").is_none_or(|at| at == finding.at.as_str())
        && text("severity").is_none_or(|severity| severity == finding.severity.as_str())
        && text("message").is_none_or(|message| message == finding.message)
        && text("subject").is_none_or(|subject| subject == finding.subject.to_string())
}

fn shown(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "nothing".to_owned();
    }
    findings.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn one(finding: &Finding) -> String {
    let Finding { verdict, severity, subject, at, message, .. } = finding;
    format!("[{verdict:?} {severity} {subject} at {at}: {message}]")
}
