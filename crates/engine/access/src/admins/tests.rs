use std::sync::Arc;

use ironhull_model::{Coverage, Minor, Object, Snapshot, Standing, World};
use serde_json::{Value as Json, json};

use super::Admins;
use crate::{Access, Identity, Subject, grants};

mod known;
mod uses;

const RBAC: &str = "rbac.authorization.k8s.io";

fn of_kind(kind: &str, name: &str, namespace: &str) -> Json {
    json!({"apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": {"name": name, "namespace": namespace}})
}

fn role(kind: &str, name: &str, namespace: &str, rules: &[Json]) -> Json {
    let mut role = of_kind(kind, name, namespace);
    role["rules"] = rules.into();
    role
}

fn bound(name: &str, namespace: &str, role: (&str, &str), subjects: &[Json]) -> Json {
    let kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let mut binding = of_kind(kind, name, namespace);
    binding["roleRef"] = json!({"apiGroup": RBAC, "kind": role.0, "name": role.1});
    binding["subjects"] = subjects.into();
    binding
}

fn user(name: &str) -> Json {
    json!({"kind": "User", "name": name})
}

fn rule(groups: &str, resources: &[&str], verbs: &[&str]) -> Json {
    json!({"apiGroups": [groups], "resources": resources, "verbs": verbs})
}

fn named(rule: Json, name: &str) -> Json {
    let mut rule = rule;
    rule["resourceNames"] = json!([name]);
    rule
}

/// Who is cluster-admin in `shop`, and runs there.
fn boss() -> Json {
    json!({"kind": "ServiceAccount", "namespace": "shop", "name": "boss"})
}

fn pod_of_boss() -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"serviceAccountName": "boss", "nodeName": "n"}})
}

/// These in a whole cluster, with the roles and bindings that every cluster has.
fn estate(minor: Minor, objects: &[Json]) -> Snapshot {
    let mut snapshot = Snapshot::new(minor);
    snapshot.coverage = Coverage::Complete;
    let value = |json: &Json| serde_json::from_str(&json.to_string()).unwrap();
    let given = objects.iter().map(|json| Object::new(value(json), None).unwrap());
    let given: Vec<Object> = given.collect();
    for default in ironhull_schema::rbac::defaults(minor) {
        let mut object = Object::new(default, None).unwrap();
        if !given.iter().any(|given| given.thing == object.thing) {
            object.standing = Standing::Assumed;
            snapshot.objects.push(Arc::new(object));
        }
    }
    snapshot.objects.extend(given.into_iter().map(Arc::new));
    snapshot.seal();
    snapshot
}

/// `way` and whether he is built in, of somebody who is as good as cluster-admin.
fn found(objects: &[Json], who: &Subject) -> Option<(String, bool)> {
    let snapshot = estate(Minor::NEWEST, objects);
    let access = Access::new(World::new(&snapshot));
    let admins = Admins::new(&access);
    let admin = admins.all().get(who)?;
    let ways: Vec<&str> = admin.path.iter().map(|step| step.way.id).collect();
    Some((ways.join(" "), admin.built_in))
}

#[test]
fn who_is_added_to_a_default_binding_is_not_of_every_cluster() {
    let eve = Subject::user("eve");
    let masters = json!({"kind": "Group", "name": "system:masters"});
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    let with = |name: &str, role: &str, subjects: &[Json]| {
        let mut binding = bound(name, "", ("ClusterRole", role), subjects);
        binding["metadata"]["labels"] = labels.clone();
        binding
    };
    let both = with("cluster-admin", "cluster-admin", &[masters.clone(), user("eve")]);
    assert_eq!(found(std::slice::from_ref(&both), &eve), Some(("everything".to_owned(), false)));
    let aggregation = "clusterrole-aggregation-controller";
    let of_default = format!("system:controller:{aggregation}");
    let account =
        json!({"kind": "ServiceAccount", "namespace": "kube-system", "name": aggregation});
    let own = Subject::account("kube-system", aggregation);
    let escalates = Some(("escalate".to_owned(), true));
    assert_eq!(found(&[], &own), escalates, "as it is everywhere");
    let more = with(&of_default, &of_default, &[account.clone(), user("eve")]);
    assert_eq!(found(std::slice::from_ref(&more), &own), escalates, "he is bound as everywhere");
    let added = Some(("escalate".to_owned(), false));
    assert_eq!(found(std::slice::from_ref(&more), &eve), added);
    // The name and label of a default, and another role.
    let everybody = Subject::Group("system:authenticated".to_owned());
    let group = json!({"kind": "Group", "name": "system:authenticated"});
    let other = with("system:discovery", "cluster-admin", &[group]);
    assert_eq!(found(&[other], &everybody), Some(("everything".to_owned(), false)));
    // A default role to which somebody added everything.
    let all = rule("*", &["*"], &["*"]);
    let wide = role("ClusterRole", "system:basic-user", "", &[all]);
    assert_eq!(found(&[wide], &everybody), Some(("everything".to_owned(), false)));
    // What is of every cluster and bound once more by somebody.
    let again = bound("again", "", ("ClusterRole", "cluster-admin"), &[account]);
    assert_eq!(found(&[again], &own).map(|(_, built_in)| built_in), Some(false));

    let snapshot = estate(Minor::NEWEST, &[both, more]);
    let access = Access::new(World::new(&snapshot));
    let written: Vec<Subject> =
        access.written_bindings().flat_map(|binding| grants::written(binding.object)).collect();
    assert_eq!(written, [eve.clone(), eve]);
}
