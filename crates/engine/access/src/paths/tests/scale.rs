//! Ten times the rights cost about ten times.

use std::time::Duration;

use ironhull_testkit::work::processor_time;
use serde_json::{Value, json};

use super::*;
use crate::Admins;

/// How much work it is to know all that anybody comes to.
fn cost(objects: &[String]) -> Duration {
    let mut snapshot = snapshot(objects);
    snapshot.minor = Minor::NEWEST;
    processor_time(|| {
        let access = Access::new(World::new(&snapshot));
        let escalation = Escalation::new(&access);
        for goal in [Power::ClusterAdmin, Power::Secrets(None)] {
            std::hint::black_box(escalation.everybody_to(&goal));
        }
        std::hint::black_box(Admins::new(&access));
    })
}

/// What `n` and ten times as many cost.
fn costs(n: usize, objects: impl Fn(usize) -> Vec<String>) -> (Duration, Duration) {
    let [one, ten] = [n, 10 * n].map(|n| cost(&objects(n)));
    println!("{n}: {one:?}, {}: {ten:?}", 10 * n);
    (one, ten)
}

/// What grows with the square would be a hundred times.
fn is_linear((one, ten): (Duration, Duration)) -> bool {
    ten < 18 * one + Duration::from_millis(300)
}

fn object(kind: &str, name: &str, namespace: &str, more: &Value) -> String {
    let mut object = json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace}});
    for (key, value) in more.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object.to_string()
}

fn role(name: &str, rules: &Value) -> String {
    object("ClusterRole", name, "", &json!({ "rules": rules }))
}

/// Binds a ClusterRole everywhere, or in a namespace.
fn bind(name: &str, namespace: &str, role: &str, subjects: &Value) -> String {
    let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let more = json!({"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects});
    object(kind, name, namespace, &more)
}

#[test]
fn rules_of_many_names() {
    let cost = costs(1_000, |n| {
        let names: Vec<String> = (0..n).map(|number| format!("n{number}")).collect();
        let resources = json!([
            "secrets",
            "pods",
            "pods/exec",
            "pods/attach",
            "pods/ephemeralcontainers",
            "pods/portforward",
            "pods/proxy",
            "deployments",
            "daemonsets",
            "statefulsets",
            "serviceaccounts",
            "serviceaccounts/token"
        ]);
        let rule = json!({"apiGroups": ["", "apps"], "resources": resources,
            "verbs": ["get", "update", "create", "impersonate", "patch"], "resourceNames": names});
        let jane = json!([{"kind": "User", "name": "jane"}]);
        vec![role("named", &json!([rule])), bind("named", "shop", "named", &jane)]
    });
    assert!(is_linear(cost), "{cost:?}");
}

#[test]
fn many_who_act_as_others() {
    let cost = costs(50, |n| {
        let acts = json!({"apiGroups": ["authentication.k8s.io"],
            "resources": ["users", "groups", "serviceaccounts"],
            "verbs": ["impersonate:user-info", "impersonate:serviceaccount"]});
        let sends = json!({"apiGroups": [""], "resources": ["secrets", "pods/exec"],
            "verbs": ["impersonate-on:user-info:get", "impersonate-on:user-info:list",
                "impersonate-on:user-info:create", "impersonate-on:serviceaccount:list"]});
        let own = json!({"apiGroups": [""], "resources": ["pods/exec", "secrets"],
            "verbs": ["create", "list"]});
        let mut objects = vec![role("acts", &json!([acts, sends])), role("own", &json!([own]))];
        for number in 0..n {
            let user = json!({"kind": "User", "name": format!("u{number}")});
            let account = json!({"kind": "ServiceAccount", "name": format!("s{number}"),
                "namespace": "a"});
            let name = format!("b{number}");
            objects.push(bind(&name, "", "acts", &json!([user, account])));
            objects.push(bind(&name, &format!("a{}", number % 50), "own", &json!([user])));
        }
        objects
    });
    assert!(is_linear(cost), "{cost:?}");
}
