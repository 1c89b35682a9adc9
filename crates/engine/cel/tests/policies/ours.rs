//! What our engine answers, in the oracle's format.

use std::collections::BTreeMap;

use ironhull_cel::policy::{
    Compiler, Inputs, OUT_OF_BUDGET, Operation, Stage, Use, Variables, apply_configuration,
    evaluate, json_patch,
};
use ironhull_cel::{
    Check, Context, Decision, EvalError, Host, Program, Resource, Subject, Target, Val,
};
use ironhull_model::{Minor, Value};
use serde_json::{Value as Json, json};

use crate::json;

/// The oracle's authorizer: it says the question as its reason.
struct Rules;

impl Host for Rules {
    fn call<'a>(&self, _id: usize, _args: &[Val<'a>]) -> Result<Val<'a>, EvalError> {
        Err(EvalError::new("no host functions here"))
    }

    fn authorize(&self, check: &Check) -> Option<Decision> {
        let user = match &check.subject {
            Subject::Requester => "alice".to_owned(),
            Subject::ServiceAccount(namespace, name) => {
                format!("system:serviceaccount:{namespace}:{name}")
            }
        };
        let none = Resource::default();
        let (resource, path) = match &check.target {
            Target::Path(path) => (&none, &**path),
            Target::Resource(resource) => (resource, ""),
        };
        let fields = resource.field_selector.replace("==", "=").replace(',', ";");
        let labels = &*resource.label_selector;
        let unparsable = matches!(labels, "a in" | "=" | "a b") || fields == "nothing";
        let parts = match (unparsable, &*fields, labels) {
            (true, ..) => "unparsable".to_owned(),
            (_, "", labels) => labels.to_owned(),
            (_, fields, "") => fields.to_owned(),
            (_, fields, labels) => format!("{fields};{labels}"),
        };
        let reason = format!(
            "{user}|{}|{}|{}|{}|{}|{}|{path}|{parts}",
            check.verb,
            resource.group,
            resource.resource,
            resource.subresource,
            resource.namespace,
            resource.name
        );
        Some(Decision {
            allowed: reason.contains("pods") || path.starts_with("/healthz"),
            error: (&*check.verb == "fail")
                .then(|| format!("failed: {}", resource.resource).into()),
            reason: reason.into(),
        })
    }
}

struct World {
    object: Value,
    old: Value,
    namespace: Value,
    request: Value,
    param: Value,
}

/// What stages are evaluated on, by name.
pub(crate) struct Worlds(BTreeMap<String, World>);

fn request(operation: &str) -> Json {
    let kind = json!({ "group": "example.com", "version": "v1", "kind": "Widget" });
    let resource = json!({ "group": "example.com", "version": "v1", "resource": "widgets" });
    json!({
        "uid": "", "kind": kind, "resource": resource, "subResource": "status",
        "requestKind": kind, "requestResource": resource, "requestSubResource": "status",
        "name": "w", "namespace": "shop", "operation": operation,
        "userInfo": {
            "username": "alice", "uid": "7", "groups": ["devs", "system:authenticated"],
            "extra": { "scopes": ["a", "b"] },
        },
        "object": null, "oldObject": null, "dryRun": true,
        "options": { "kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "test" },
    })
}

impl Worlds {
    pub(crate) fn new(worlds: &Json) -> Worlds {
        let worlds = worlds.as_object().unwrap().iter().map(|(name, world)| {
            let operation = match (&world["object"], &world["old"]) {
                (_, Json::Null) => "CREATE",
                (Json::Null, _) => "DELETE",
                _ => "UPDATE",
            };
            let world = World {
                object: json::value(&world["object"]),
                old: json::value(&world["old"]),
                namespace: json::value(&world["namespace"]),
                request: json::value(&request(operation)),
                param: json::value(&world["param"]),
            };
            (name.clone(), world)
        });
        Worlds(worlds.collect())
    }

    /// The answer to one stage.
    pub(crate) fn answer(&self, stage: &crate::Stage) -> String {
        let world = &self.0[&stage.world];
        let minor = Minor::v1(stage.minor as u16);
        let mut policy = Compiler::of_policy(minor, true);
        for (name, text) in &stage.variables {
            _ = policy.variable(name, text);
        }
        let (compiler, used_for) = match &*stage.used_for {
            "condition" => (policy.clone(), Use::Condition),
            "message" => (policy.clone(), Use::Message),
            "mutation" => (policy.clone(), Use::Mutation),
            // The oracle's webhooks have parameters, as these differ in nothing else.
            _ => (Compiler::of_webhook(minor), Use::Condition),
        };
        let compiled: Vec<Option<Program>> =
            stage.expressions.iter().map(|text| compiler.compile(used_for, text).ok()).collect();
        let ty = |program: Option<&Program>| program.map_or(String::new(), shown_type);
        let variables = policy.variables().unwrap();
        let programs: Vec<&Program> = compiled.iter().flatten().collect();
        let (results, left, ended) = world.evaluate(stage, &programs, variables, used_for);
        let text = |text: &String| Json::String(text.clone()).to_string();
        let texts = |texts: &[String]| texts.iter().map(text).collect::<Vec<_>>().join(",");
        let types: Vec<String> = compiled.iter().map(|program| ty(program.as_ref())).collect();
        let of_variables: Vec<String> = stage
            .variables
            .iter()
            .enumerate()
            .map(|(at, (_, text))| {
                let mut before = Compiler::of_policy(minor, true);
                for (name, text) in &stage.variables[..at] {
                    _ = before.variable(name, text);
                }
                ty(before.compile(Use::Condition, text).ok().as_ref())
            })
            .collect();
        let ended = ended.map_or(String::new(), |ended| format!(r#","ended":{}"#, text(&ended)));
        format!(
            r#"{{"variables":[{}],"exprs":[{}],"results":[{}],"left":{left}{ended}}}"#,
            texts(&of_variables),
            texts(&types),
            texts(&results)
        )
    }
}

fn shown_type(program: &Program) -> String {
    program.result_type().to_string()
}

impl World {
    fn inputs(&self, n_variables: usize, has_authorizer: bool) -> Inputs<'_> {
        let resource = Resource {
            group: "example.com".into(),
            resource: "widgets".into(),
            subresource: "status".into(),
            namespace: "shop".into(),
            name: "w".into(),
            ..Resource::default()
        };
        Inputs {
            object: Val::from_node(self.object.root()),
            old_object: Val::from_node(self.old.root()),
            namespace_object: Val::from_node(self.namespace.root()),
            request: Val::from_node(self.request.root()),
            params: Val::from_node(self.param.root()),
            request_resource: has_authorizer.then_some(resource),
            n_variables,
        }
    }

    fn evaluate(
        &self,
        stage: &crate::Stage,
        programs: &[&Program],
        variables: &Variables,
        used_for: Use,
    ) -> (Vec<String>, i64, Option<String>) {
        let bindings = self.inputs(variables.len(), used_for != Use::Message).bindings();
        let (mut left, mut results) = (stage.budget, Vec::new());
        // The reference is 1.37 whatever it emulates.
        let typed = [&self.request, &self.namespace];
        let mut memo = Stage::new(variables);
        if used_for != Use::Mutation {
            let mut context = Context {
                host: Some(&Rules),
                stage: Some(&mut memo),
                typed: &typed,
                ..Context::new()
            };
            for program in programs {
                match evaluate(program, &bindings, &mut context, &mut left) {
                    Err(error) if error.message == OUT_OF_BUDGET => {
                        return (Vec::new(), -1, Some(error.message));
                    }
                    result => results.push(shown(&result)),
                }
            }
            return (results, left as i64, None);
        }
        let mut last = left as i64;
        for program in programs {
            let (mut memo, mut left) = (Stage::new(variables), stage.budget);
            let mut context = Context {
                host: Some(&Rules),
                stage: Some(&mut memo),
                typed: &typed,
                ..Context::new()
            };
            let result = evaluate(program, &bindings, &mut context, &mut left);
            last = left as i64;
            match &result {
                Err(error) if error.message == OUT_OF_BUDGET => {
                    results.push(format!("ended: {}", error.message));
                    last = -1;
                }
                Ok(value) => {
                    let became = match &*shown_type(program) {
                        "Object" => format!(" => {}", applied(value, &typed)),
                        "list(JSONPatch)" => format!(" => {}", self.patched(value)),
                        _ => String::new(),
                    };
                    results.push(format!("{}{became} ({left})", shown(&result)));
                }
                Err(_) => results.push(format!("{} ({left})", shown(&result))),
            }
        }
        (results, last, None)
    }

    fn patched(&self, value: &Val<'_>) -> String {
        match json_patch(value, &[&self.request, &self.namespace]) {
            Ok(operations) => {
                let shown: Vec<String> = operations.iter().map(operation).collect();
                format!("[{}]", shown.join(", "))
            }
            Err(error) => sorted(&error),
        }
    }
}

fn operation(operation: &Operation) -> String {
    let text = |text: &str| Val::Str(text.into()).canonical();
    let mut parts = Vec::new();
    if !operation.from.is_empty() {
        parts.push(format!("from {}", text(&operation.from)));
    }
    parts.push(format!("op {}", text(&operation.op)));
    parts.push(format!("path {}", text(&operation.path)));
    if let Some(value) = &operation.value {
        parts.push(format!("value {}", Val::from_node(value.root()).canonical()));
    }
    parts.join(" ")
}

fn applied(value: &Val<'_>, typed: &[&Value]) -> String {
    match apply_configuration(value, typed) {
        Ok(value) => Val::from_node(value.root()).canonical(),
        // What is merged is not compared here.
        Err(error) if error.starts_with("error applying patch: ") => "unexpected".to_owned(),
        Err(error) if error.starts_with("invalid return type") => "invalid return type".to_owned(),
        Err(error) => sorted(&error),
    }
}

/// The lines of an error in order: the reference's come in the order of Go's maps.
fn sorted(error: &str) -> String {
    match error.strip_prefix("type mismatch: ") {
        Some(lines) => {
            let mut lines: Vec<&str> = lines.split('\n').collect();
            lines.sort_unstable();
            format!("type mismatch: {}", lines.join("\n"))
        }
        None => error.to_owned(),
    }
}

fn shown(result: &Result<Val<'_>, EvalError>) -> String {
    match result {
        Ok(value) => value.canonical(),
        Err(error) => {
            let mut text = format!("! {}", error.message);
            for end in ["internal error: interface conversion", "fails to compile: "] {
                if let Some(at) = text.find(end) {
                    text.truncate(at + end.len());
                }
            }
            text
        }
    }
}
