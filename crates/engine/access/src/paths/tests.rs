use std::sync::Arc;

use ironhull_model::{Coverage, Minor, Object, Snapshot, World};

use super::{Escalation, Paths};
use crate::escalation::{Name, Need, Power, Way, ways as all_ways};
use crate::{Access, Identity, Subject};

mod anew;
mod edges;
mod made;
mod named;
mod nodes;
mod places;
mod refused;
mod scale;
mod sent;
mod tokens;

const RBAC: &str = "rbac.authorization.k8s.io";

fn snapshot(objects: &[String]) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::v1(34));
    snapshot.coverage = Coverage::Complete;
    for json in objects {
        let value = serde_json::from_str(json).unwrap();
        snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
    }
    snapshot.seal();
    snapshot
}

fn rule(groups: &str, resources: &str, verbs: &str, names: &[&str]) -> String {
    format!(
        r#"{{"apiGroups":["{groups}"],"resources":["{resources}"],"verbs":["{verbs}"],"resourceNames":{names:?}}}"#
    )
}

fn bound(kind: &str, name: &str, rules: &[String], subject: &str) -> [String; 2] {
    let namespace = if kind == "Role" { r#","namespace":"shop""# } else { "" };
    let meta = format!(r#""metadata":{{"name":"{name}"{namespace}}}"#);
    let api = format!(r#""apiVersion":"{RBAC}/v1""#);
    [
        format!(r#"{{{api},"kind":"{kind}",{meta},"rules":[{}]}}"#, rules.join(",")),
        format!(
            r#"{{{api},"kind":"{kind}Binding",{meta},"roleRef":{{"kind":"{kind}","name":"{name}"}},"subjects":[{subject}]}}"#
        ),
    ]
}

const JANE: &str = r#"{"kind":"User","name":"jane"}"#;
const ADMIN: &str = r#"{"kind":"ServiceAccount","namespace":"shop","name":"admin"}"#;

/// Jane with these rules in namespace shop or everywhere, where a pod runs as
/// `runner`, `admin` may do everything, and `ann` and `ops` are bound.
fn estate(kind: &str, rules: &[String], more: &[&str]) -> Snapshot {
    let all = [rule("*", "*", "*", &[])];
    let others = r#"{"kind":"User","name":"ann"},{"kind":"Group","name":"ops"}"#;
    let mut objects: Vec<String> = bound(kind, "jane", rules, JANE).into();
    objects.extend(bound("ClusterRole", "all", &all, ADMIN));
    objects.extend(bound("ClusterRole", "none", &[], others));
    objects.push(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop"},"spec":{"serviceAccountName":"runner"}}"#.to_owned());
    objects.extend(more.iter().map(|text| (*text).to_owned()));
    snapshot(&objects)
}

fn with<T>(snapshot: &Snapshot, look: impl FnOnce(&Paths<'_, '_>) -> T) -> T {
    let access = Access::new(World::new(snapshot));
    let jane = Subject::user("jane");
    look(&Escalation::new(&access).paths(&jane, &Identity::of(&jane)))
}

fn ways(snapshot: &Snapshot) -> Vec<&'static str> {
    let access = Access::new(World::new(snapshot));
    let jane = Subject::user("jane");
    let escalation = Escalation::new(&access);
    let steps = escalation.steps(&Power::Is(jane));
    steps.iter().map(|step| step.way.id).collect()
}

/// The rules of a way, all but one of its needs; who acts as another may send something.
fn rules_of(way: &Way, without: Option<usize>) -> Vec<String> {
    let needed = way.needs.iter().enumerate().filter(|(index, _)| Some(*index) != without);
    let sends = way.since.into_iter().flat_map(|_| {
        ["user-info", "serviceaccount"]
            .map(|mode| rule("", "events", &format!("impersonate-on:{mode}:get"), &[]))
    });
    let rules = needed.map(|(_, need): (usize, &Need)| {
        let what = &need.any[0];
        let names: &[&str] = match need.name {
            Name::Any | Name::Object | Name::Existing | Name::New | Name::Made | Name::Place => &[],
            Name::Bound("") => &[],
            Name::Some => &["ann"],
            Name::Gained if what.resources == ["serviceaccounts"] => &["admin"],
            Name::Gained if what.resources == ["serviceaccounts/token"] => &["admin"],
            Name::Gained if what.resources == ["users"] => &["ann"],
            Name::Gained => &["ops"],
            Name::Is(name) | Name::Bound(name) => &[name],
        };
        rule(what.group, what.resources[0], what.verbs[0], names)
    });
    rules.chain(sends).collect()
}

#[test]
fn each_way_is_open_by_exactly_what_it_needs() {
    for way in all_ways() {
        let namespaced = way.needs.iter().all(|need| !need.cluster);
        let kinds: &[&str] = if namespaced { &["ClusterRole", "Role"] } else { &["ClusterRole"] };
        for kind in kinds {
            // A role that can be rewritten must be a Role.
            if way.id == "escalate-in-namespace" && *kind == "ClusterRole" {
                continue;
            }
            // Jane has no pod, and her roles are there.
            if ["constrained-own-node", "escalate-anew"].iter().any(|id| way.id.starts_with(id)) {
                continue;
            }
            let found = |rules: &[String]| {
                let role = bound("Role", "some", &[], JANE);
                let mounts = nodes::mounts("mounts", "n1", "db");
                let mut snapshot = estate(kind, rules, &[&role[0], &mounts]);
                snapshot.minor = way.since.unwrap_or(snapshot.minor);
                ways(&snapshot)
            };
            let all = found(&rules_of(way, None));
            assert!(all.contains(&way.id), "{} by {kind}: {all:?}", way.id);
            for need in 0..way.needs.len() {
                let found = found(&rules_of(way, Some(need)));
                assert!(!found.contains(&way.id), "{} without need {need}", way.id);
            }
        }
    }
}

#[test]
fn ways_that_a_version_closed_are_closed() {
    let mut snapshot = estate("Role", &[rule("", "pods/exec", "get", &[])], &[]);
    assert_eq!(ways(&snapshot), ["exec-by-get"; 2]);
    snapshot.minor = Minor::v1(35);
    assert!(ways(&snapshot).is_empty());
}

#[test]
fn the_shortest_path_is_told_step_by_step() {
    let snapshot = estate("Role", &[rule("", "pods", "create", &[])], &[]);
    let path = || {
        with(&snapshot, |paths| {
            let path = paths.to(&Power::ClusterAdmin).unwrap();
            let steps = path.iter();
            let texts = steps.map(|step| format!("{}: {} -> {}", step.way.id, step.from, step.to));
            texts.collect::<Vec<_>>()
        })
    };
    let expected =
        ["run-pods: user:jane -> sa:shop/admin", "everything: sa:shop/admin -> cluster-admin"];
    assert_eq!(path(), expected);
    assert_eq!(path(), expected, "equal input, equal paths");
    with(&snapshot, |paths| {
        assert_eq!(paths.to(&Power::Secrets(Some("shop".into()))).unwrap().len(), 1);
        assert!(paths.to(&Power::Secrets(Some("bank".into()))).is_none());
        let grant = &paths.to(&Power::ClusterAdmin).unwrap()[0].grants[0];
        assert_eq!((&*grant.what, grant.rule.index()), ("create pods", 0));
        assert_eq!(grant.binding.object.thing.to_string(), "shop/RoleBinding/jane");
    });
}

#[test]
fn pod_security_closes_the_way_to_the_node() {
    let namespace = |level: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"shop","labels":{{"pod-security.kubernetes.io/enforce":"{level}"}}}}}}"#
        )
    };
    let run = [rule("", "pods", "create", &[])];
    let node = |snapshot: &Snapshot| {
        with(snapshot, |paths| {
            // Not through the ServiceAccount that may do everything.
            let step = paths.to(&Power::Nodes)?;
            (step.len() == 1).then(|| step[0].condition.is_some())
        })
    };
    assert_eq!(node(&estate("Role", &run, &[&namespace("baseline")])), None);
    assert_eq!(node(&estate("Role", &run, &[&namespace("baselin")])), None, "misspelt: restricted");
    assert_eq!(node(&estate("Role", &run, &[&namespace("privileged")])), Some(false));
    let mut fragment = estate("Role", &run, &[]);
    assert_eq!(node(&fragment), Some(false), "a complete estate without the Namespace's labels");
    fragment.coverage = Coverage::Fragment;
    assert_eq!(node(&fragment), Some(true), "nobody knows");
    let relabel = [rule("", "pods", "create", &[]), rule("", "namespaces", "patch", &[])];
    assert_eq!(node(&estate("ClusterRole", &relabel, &[&namespace("baseline")])), Some(false));
}

#[test]
fn nodes_and_secrets_lead_on() {
    let proxy = [rule("", "nodes/proxy", "get", &[])];
    let to = |snapshot: &Snapshot, power: Power| {
        with(snapshot, |paths| paths.to(&power).map(|path| path.len()))
    };
    let runner = Power::Is(Subject::account("shop", "runner"));
    assert_eq!(to(&estate("ClusterRole", &proxy, &[]), runner), Some(2));
    let snapshot = estate("ClusterRole", &proxy, &[]);
    assert_eq!(to(&snapshot, Power::ClusterAdmin), None, "no node of the control plane is known");
    let control_plane = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"n","labels":{"node-role.kubernetes.io/control-plane":""}}}"#;
    let snapshot = estate("ClusterRole", &proxy, &[control_plane]);
    assert_eq!(to(&snapshot, Power::ClusterAdmin), Some(2));
    let token = r#"{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"name":"t","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"admin"}}}"#;
    let read = [rule("", "secrets", "list", &[])];
    assert_eq!(to(&estate("Role", &read, &[token]), Power::ClusterAdmin), Some(3));
    assert_eq!(to(&estate("Role", &read, &[]), Power::ClusterAdmin), None);
}

#[test]
fn names_limit_what_is_gained() {
    let users = [rule("", "users", "impersonate", &["ann", "system:serviceaccount:shop:admin"])];
    with(&estate("ClusterRole", &users, &[]), |paths| {
        assert!(paths.to(&Power::Is(Subject::user("ann"))).is_some());
        assert!(paths.to(&Power::ClusterAdmin).is_none(), "accounts are a resource of their own");
    });
    let groups = |name: &str| {
        [rule("", "groups", "impersonate", &[name]), rule("", "users", "impersonate", &[])]
    };
    let admin = |name: &str| {
        with(&estate("ClusterRole", &groups(name), &[]), |paths| {
            paths.to(&Power::ClusterAdmin).map(|path| path[0].way.id)
        })
    };
    assert_eq!(admin("system:masters"), Some("impersonate-group"));
    assert_eq!(admin("ops"), None);
    let named = [rule("", "secrets", "get", &["one"])];
    with(&estate("Role", &named, &[]), |paths| assert_eq!(paths.reached().count(), 0));
}

#[test]
fn aws_auth_is_a_way_where_it_is() {
    let patch = [rule("", "configmaps", "patch", &["aws-auth"])];
    let config = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"aws-auth","namespace":"kube-system"}}"#;
    let reached = |more: &[&str]| {
        with(&estate("ClusterRole", &patch, more), |paths| paths.to(&Power::ClusterAdmin).is_some())
    };
    assert!(reached(&[config]) && !reached(&[]));
}

#[test]
fn backwards_finds_what_forwards_finds() {
    let rules = [rule("", "pods", "create", &[]), rule("", "users", "impersonate", &["ann"])];
    let escalate = [rule(RBAC, "roles", "escalate", &[]), rule(RBAC, "roles", "patch", &[])];
    let ann: Vec<String> =
        bound("Role", "ann", &escalate, r#"{"kind":"User","name":"ann"}"#).into();
    let more: Vec<&str> = ann.iter().map(String::as_str).collect();
    let constrained = [
        rule("authentication.k8s.io", "serviceaccounts", "impersonate:serviceaccount", &[]),
        rule("", "secrets", "impersonate-on:serviceaccount:list", &[]),
        rule("apps", "deployments", "impersonate-on:serviceaccount:patch", &[]),
        rule(RBAC, "clusterrolebindings", "impersonate-on:serviceaccount:create", &[]),
    ];
    for (kind, rules) in [
        ("Role", &rules[..]),
        ("ClusterRole", &rules),
        ("Role", &constrained),
        ("ClusterRole", &constrained),
    ] {
        let mut snapshot = estate(kind, rules, &more);
        snapshot.minor = Minor::NEWEST;
        let access = Access::new(World::new(&snapshot));
        let escalation = Escalation::new(&access);
        let goals = [Power::ClusterAdmin, Power::Nodes, Power::Secrets(Some("shop".into()))];
        let mut n_found = 0;
        for goal in &goals {
            let everybody = escalation.everybody_to(goal);
            for subject in escalation.subjects() {
                let paths = escalation.paths(&subject, &Identity::of(&subject));
                let forwards = paths.to(goal).map(|path| path.len());
                let backwards = everybody.path(&subject);
                assert_eq!(backwards.as_ref().map(Vec::len), forwards, "{subject} to {goal}");
                if let Some(path) = backwards {
                    n_found += 1;
                    assert!(path.windows(2).all(|pair| pair[0].to == pair[1].from));
                    assert_eq!(path.last().unwrap().to, *goal);
                }
            }
        }
        assert!(n_found > 3, "{n_found}");
    }
}
