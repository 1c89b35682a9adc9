//! `PolicyTest`: cases that say what admission policies answer, in the words of whoever
//! wrote the policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use ironhull_controls::reader::Reader;
use ironhull_model::{
    Builder, Code, Coverage, Diagnostic, Kind, Minor, Node, Object, Snapshot, SourceId, Value,
    World,
};
use ironhull_schema::{Schema, defaults};

use crate::answer::Answer;
use crate::decision::Verdict;
use crate::kinds::Kinds;
use crate::policies::Policies;
use crate::request::{Known, Operation, Place, Request, User, dry_run_options};

mod asked;

use asked::asked;

/// What a case expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// No policy refuses it, or warns.
    Allow,
    /// A policy refuses it.
    Deny,
    /// No policy refuses it, and one warns.
    Warn,
    /// It cannot be told.
    Unknown,
}

impl Expectation {
    /// All.
    pub const ALL: [Expectation; 4] =
        [Expectation::Allow, Expectation::Deny, Expectation::Warn, Expectation::Unknown];

    /// As in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Expectation::Allow => "allow",
            Expectation::Deny => "deny",
            Expectation::Warn => "warn",
            Expectation::Unknown => "unknown",
        }
    }
}

/// One case.
#[derive(Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    operation: Operation,
    object: Option<Value>,
    old_object: Option<Value>,
    user: Option<User>,
    /// Resource, subresource, name and namespace, where the object does not tell them.
    resource: String,
    target: String,
    namespace: String,
    expect: Expectation,
    message: String,
    result: Option<Value>,
}

/// A suite, before the files that it names are read.
#[derive(Debug)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// Files whose objects count: policies, bindings, parameters, namespaces.
    pub files: Vec<String>,
    inline: Vec<Value>,
    /// Whether what is not among the objects is not there.
    complete: bool,
    /// In their order.
    pub cases: Vec<Case>,
}

/// What a case gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The case.
    pub name: String,
    /// What was expected.
    pub expected: Expectation,
    /// What came out.
    pub got: Expectation,
    /// What the policies said.
    pub said: Vec<String>,
    /// Why the case fails; none when it does not.
    pub failure: Option<String>,
}

impl Suite {
    /// Reads a `PolicyTest`; mistakes are told at their places.
    pub fn read(root: Node<'_>, source: SourceId, told: &mut Vec<Diagnostic>) -> Option<Suite> {
        let before = told.len();
        let mut reader = Reader::new(root, source, Code::PolicyInvalid, told);
        reader.also_known(&["apiVersion", "kind"]);
        let metadata = reader.get("metadata");
        let name = metadata.and_then(|node| node.get("name")).and_then(Node::as_str);
        let complete = reader.get("complete").and_then(Node::as_bool) != Some(false);
        let mut suite = Suite {
            name: name.unwrap_or_default().to_owned(),
            files: Vec::new(),
            inline: Vec::new(),
            complete,
            cases: Vec::new(),
        };
        for list in ["policies", "objects"] {
            for item in reader.get(list).into_iter().flat_map(Node::items) {
                match (item.as_str(), item.kind()) {
                    (Some(path), _) => suite.files.push(path.to_owned()),
                    (None, Kind::Map) => suite.inline.push(item.to_value()),
                    _ => reader.wrong(item, format!("{list} must be files or objects")),
                }
            }
        }
        for item in reader.required("cases").into_iter().flat_map(Node::items) {
            suite.cases.extend(case(reader.nested(item)));
        }
        if suite.cases.is_empty() {
            reader.wrong(root, "there is no case");
        }
        reader.finish();
        (told.len() == before).then_some(suite)
    }

    /// Runs the cases; `objects` are those of its files.
    pub fn run(&self, minor: Minor, objects: &[Value]) -> Vec<Outcome> {
        let schema = Schema::of(minor);
        let mut snapshot = Snapshot::new(minor);
        if self.complete {
            snapshot.coverage = Coverage::Complete;
        }
        let all = objects.iter().chain(&self.inline);
        snapshot.objects = all
            .filter_map(|value| Object::new(defaults::apply(schema, value), None))
            .map(Arc::new)
            .collect();
        self.add_namespaces(&mut snapshot);
        snapshot.seal();
        let policies = Policies::new(World::new(&snapshot));
        self.cases.iter().map(|case| case.run(&policies, schema)).collect()
    }

    /// Namespaces that a case is in and that nobody described have no labels but
    /// their names'.
    fn add_namespaces(&self, snapshot: &mut Snapshot) {
        let known: BTreeSet<String> = snapshot
            .objects
            .iter()
            .filter(|object| object.is("", "Namespace"))
            .map(|object| object.thing.name.to_string())
            .collect();
        let used = self.cases.iter().filter_map(|case| {
            let of = |value: &Option<Value>| {
                let namespace = value.as_ref()?.root().path(&["metadata", "namespace"])?;
                namespace.as_str().map(str::to_owned)
            };
            let own = Some(&case.namespace).filter(|name| !name.is_empty()).cloned();
            own.or_else(|| of(&case.object)).or_else(|| of(&case.old_object))
        });
        let missing: BTreeSet<String> = used.filter(|name| !known.contains(name)).collect();
        for name in missing.into_iter().chain(["default".to_owned()]) {
            let mut builder = Builder::new();
            builder.begin_map(0);
            for (key, value) in [("apiVersion", "v1"), ("kind", "Namespace")] {
                builder.key(key, 0);
                builder.str(value, 0, 0);
            }
            builder.key("metadata", 0);
            builder.begin_map(0);
            builder.key("name", 0);
            builder.str(&name, 0, 0);
            builder.end(0);
            builder.end(0);
            if !known.contains(&name) {
                snapshot.objects.extend(Object::new(builder.finish(), None).map(Arc::new));
            }
        }
    }
}

fn case(mut reader: Reader<'_, '_>) -> Option<Case> {
    let name = reader.required_str("name").unwrap_or_default().to_owned();
    let operation = match reader.get("operation") {
        None => Operation::Create,
        Some(node) => match node.as_str().and_then(Operation::parse) {
            Some(operation) => operation,
            None => {
                reader.wrong(node, "operation must be CREATE, UPDATE, DELETE or CONNECT");
                Operation::Create
            }
        },
    };
    let expect = reader.required("expect").map(|node| {
        let word = node.as_str().unwrap_or_default();
        let known = Expectation::ALL.into_iter().find(|it| it.as_str() == word);
        if known.is_none() {
            reader.wrong(node, "expect must be allow, deny, warn or unknown");
        }
        known.unwrap_or(Expectation::Allow)
    });
    let groups = reader.strs("groups");
    let user = reader.str("user").map(|name| asked::user(name, &groups));
    let mut text = |name| reader.str(name).unwrap_or_default().to_owned();
    let (message, resource) = (text("message"), text("resource"));
    let (target, namespace) = (text("target"), text("namespace"));
    let mut value = |name| reader.get(name).map(Node::to_value);
    let (object, old_object, result) = (value("object"), value("oldObject"), value("result"));
    // As the API server fills an AdmissionReview, so that no case passes by what never is.
    let needed = match operation {
        Operation::Create => (true, false, "a case of CREATE has an object and no oldObject"),
        Operation::Update => (true, true, "a case of UPDATE has an object and an oldObject"),
        Operation::Delete => (false, true, "a case of DELETE has an oldObject and no object"),
        Operation::Connect => (true, false, "a case of CONNECT has an object and no oldObject"),
    };
    if (object.is_some(), old_object.is_some()) != (needed.0, needed.1) {
        reader.wrong(reader.node(), needed.2);
    }
    reader.finish();
    Some(Case {
        name,
        operation,
        object,
        old_object,
        user,
        resource,
        target,
        namespace,
        expect: expect?,
        message,
        result,
    })
}

impl Case {
    fn run(&self, policies: &Policies<'_>, schema: Schema) -> Outcome {
        let prepared = |value: &Option<Value>| value.as_ref().map(|it| defaults::apply(schema, it));
        let (object, old_object) = (prepared(&self.object), prepared(&self.old_object));
        let thing = object.as_ref().or(old_object.as_ref());
        let Some(thing) = thing.and_then(|value| Object::called(value.clone(), None, &self.target))
        else {
            return self.failed("the object has no apiVersion, kind or name".to_owned());
        };
        let kinds = policies.estate().kinds();
        let options = dry_run_options(self.operation);
        let request = self.request(&kinds, &thing, object.as_ref(), old_object.as_ref(), &options);
        let request = match request {
            Ok(request) => request,
            Err(message) => return self.failed(message),
        };
        let forms = policies.forms(&request);
        let Answer { mutated, decision, .. } = policies.answer(&request, &forms);
        if let Some(status) = &mutated.status {
            return self.outcome(Expectation::Deny, vec![status.message.clone()], None);
        }
        if !mutated.doubts.is_empty() {
            let said = mutated.doubts.iter().map(|doubt| doubt.missing.clone()).collect();
            return self.outcome(Expectation::Unknown, said, None);
        }
        let mut said: Vec<String> = decision.denials.iter().map(|denial| denial.text()).collect();
        said.extend(decision.warnings.iter().cloned());
        said.extend(decision.doubts.iter().map(|doubt| doubt.missing.clone()));
        let got = match decision.verdict {
            Verdict::Denied => Expectation::Deny,
            Verdict::Unknown => Expectation::Unknown,
            Verdict::Allowed if !decision.doubts.is_empty() => Expectation::Unknown,
            Verdict::Allowed if decision.warnings.is_empty() => Expectation::Allow,
            Verdict::Allowed => Expectation::Warn,
        };
        let result = self.result.as_ref().and_then(|wanted| {
            let sent = forms.first().map(|form| &form.value).or(object.as_ref());
            let made = mutated.object.as_ref().or(sent).map(Value::root);
            lacks(wanted.root(), made, "")
        });
        self.outcome(got, said, result)
    }

    fn request<'a>(
        &'a self,
        kinds: &Kinds<'a>,
        thing: &'a Object,
        object: Option<&'a Value>,
        old_object: Option<&'a Value>,
        options: &'a Value,
    ) -> Result<Request<'a>, String> {
        let asked = asked(kinds, &self.resource, thing, &self.target)?;
        let known = |value: Option<&'a Value>| value.map_or(Known::None, Known::Some);
        let mut request = Request::of(self.operation, asked.resource, thing, &thing.value);
        request.subresource = asked.subresource;
        request.place = match asked.place {
            Place::Unsaid if self.namespace.is_empty() => Place::In("default"),
            Place::Unsaid => Place::In(&self.namespace),
            place => place,
        };
        if !self.target.is_empty() {
            request.name = &self.target;
        }
        request.user = self.user.as_ref();
        request.object = match self.operation {
            Operation::Delete => Known::None,
            _ => known(object),
        };
        request.old_object = known(old_object);
        request.dry_run = Some(false);
        request.options = Some(options);
        Ok(request)
    }

    /// It cannot be asked: why.
    fn failed(&self, why: String) -> Outcome {
        let (name, got) = (self.name.clone(), Expectation::Unknown);
        Outcome { name, expected: self.expect, got, said: Vec::new(), failure: Some(why) }
    }

    fn outcome(&self, got: Expectation, said: Vec<String>, wrong: Option<String>) -> Outcome {
        let told = |message: &str| said.iter().any(|text| text.contains(message));
        let failure = match () {
            () if got != self.expect => {
                Some(format!("expected {}, came out {}", self.expect.as_str(), got.as_str()))
            }
            () if !told(&self.message) && !self.message.is_empty() => {
                Some(format!("nobody said {:?}", self.message))
            }
            () => wrong,
        };
        Outcome { name: self.name.clone(), expected: self.expect, got, said, failure }
    }
}

/// What of a part an object lacks: maps may have more, everything else is equal.
fn lacks(wanted: Node<'_>, found: Option<Node<'_>>, path: &str) -> Option<String> {
    let Some(found) = found else { return Some(format!("{path} is not there")) };
    if wanted.kind() == Kind::Map && found.kind() == Kind::Map {
        return wanted
            .entries()
            .find_map(|(key, child)| lacks(child, found.get(key), &format!("{path}/{key}")));
    }
    (wanted != found).then(|| format!("{path} is {}", found.to_json()))
}
