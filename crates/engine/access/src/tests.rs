use std::sync::Arc;

use ironhull_model::{Minor, Object, Snapshot, World};

use super::{Access, Question, Subject};

fn snapshot(objects: &[&str]) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    for json in objects {
        let value = serde_json::from_str(json).unwrap();
        snapshot.objects.push(Arc::new(Object::new(value, None).unwrap()));
    }
    snapshot.seal();
    snapshot
}

fn role(rules: &str) -> String {
    format!(
        r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"r"}},"rules":[{rules}]}}"#
    )
}

const EVERYWHERE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","namespace":"x","name":"sa"}]}"#;
const IN_NAMESPACE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"b","namespace":"x"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"Group","name":"system:serviceaccounts:x"}]}"#;

fn can(rules: &str, binding: &str, question: &Question<'_>) -> bool {
    let snapshot = snapshot(&[&role(rules), binding]);
    Access::new(World::new(&snapshot))
        .can(&Subject::ServiceAccount("x".into(), "sa".into()), question)
}

#[test]
fn rules_cover_what_the_api_server_says() {
    let pods = r#"{"apiGroups":[""],"resources":["pods"],"verbs":["get","create"]}"#;
    let get = Question::new("get", "", "pods");
    assert!(can(pods, EVERYWHERE, &get));
    assert!(
        !can(pods, EVERYWHERE, &Question { subresource: "log", ..get }),
        "a resource does not cover its subresources"
    );
    assert!(!can(pods, EVERYWHERE, &Question { group: "apps", ..get }));
    assert!(!can(pods, EVERYWHERE, &Question { verb: "delete", ..get }));
    let any_sub = r#"{"apiGroups":[""],"resources":["*/log"],"verbs":["*"]}"#;
    assert!(
        can(any_sub, EVERYWHERE, &Question { subresource: "log", ..get })
            && !can(any_sub, EVERYWHERE, &get)
    );
    let star = r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}"#;
    assert!(can(star, EVERYWHERE, &Question { subresource: "exec", ..get }));
    let wrong = r#"{"apiGroups":[""],"resources":["pods/*"],"verbs":["get"]}"#;
    assert!(
        !can(wrong, EVERYWHERE, &Question { subresource: "log", ..get }),
        "pods/* matches nothing"
    );
}

#[test]
fn resource_names_need_a_name() {
    let named = r#"{"apiGroups":[""],"resources":["secrets"],"verbs":["get","create","list"],"resourceNames":["a"]}"#;
    let get = Question::new("get", "", "secrets");
    assert!(can(named, EVERYWHERE, &Question { name: "a", ..get }));
    assert!(!can(named, EVERYWHERE, &Question { name: "b", ..get }));
    assert!(!can(named, EVERYWHERE, &Question { verb: "create", ..get }), "a create has no name");
    let star =
        r#"{"apiGroups":[""],"resources":["secrets"],"verbs":["get"],"resourceNames":["*"]}"#;
    assert!(!can(star, EVERYWHERE, &Question { name: "a", ..get }), "* in resourceNames is a name");
}

#[test]
fn role_bindings_hold_in_their_namespace() {
    let nodes = r#"{"apiGroups":[""],"resources":["nodes","pods"],"verbs":["get"]}"#;
    let pods = Question::new("get", "", "pods");
    assert!(can(nodes, IN_NAMESPACE, &Question { namespace: Some("x"), ..pods }));
    assert!(!can(nodes, IN_NAMESPACE, &Question { namespace: Some("y"), ..pods }));
    assert!(
        !can(
            nodes,
            IN_NAMESPACE,
            &Question { namespace: None, ..Question::new("get", "", "nodes") }
        ),
        "cluster-scoped rules are void there"
    );
}

#[test]
fn aggregation_adds_up_and_missing_roles_grant_nothing() {
    let part = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"p","labels":{"agg":"y"}},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#;
    let whole = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"agg":"y"}}]}}"#;
    let snapshot = snapshot(&[part, whole, EVERYWHERE]);
    let access = Access::new(World::new(&snapshot));
    let subject = Subject::ServiceAccount("x".into(), "sa".into());
    assert!(access.can(&subject, &Question::new("get", "", "pods")));
    assert!(!access.can(&Subject::User("jane".into()), &Question::new("get", "", "pods")));
    assert!(
        access.can(&Subject::Group("system:masters".into()), &Question::new("delete", "", "nodes"))
    );
}
