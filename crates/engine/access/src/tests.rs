use std::sync::Arc;

use ironhull_model::{Minor, Object, Snapshot, World};

use super::{Access, Identity, Question, Subject};

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

fn account() -> Identity {
    Identity::of(&Subject::account("x", "sa"))
}

const EVERYWHERE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","namespace":"x","name":"sa"}]}"#;
const IN_NAMESPACE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"b","namespace":"x"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"Group","name":"system:serviceaccounts:x"}]}"#;

fn can(rules: &str, binding: &str, question: &Question<'_>) -> bool {
    let snapshot = snapshot(&[&role(rules), binding]);
    Access::new(World::new(&snapshot)).can(&account(), question)
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
    let middle = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"m","labels":{"top":"y"}},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"agg":"y"}},{"matchLabels":{"round":"y"}}]},"rules":[{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}]}"#;
    let whole = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r","labels":{"round":"y"}},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"top":"y"}}]}}"#;
    let dangling = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"d"},"roleRef":{"kind":"ClusterRole","name":"gone"},"subjects":[{"kind":"User","name":"jane"}]}"#;
    let snapshot = snapshot(&[part, middle, whole, EVERYWHERE, dangling]);
    let access = Access::new(World::new(&snapshot));
    let pods = Question::new("get", "", "pods");
    assert!(access.can(&account(), &pods), "through an aggregated role, in a circle");
    let secrets = Question::new("get", "", "secrets");
    assert!(!access.can(&account(), &secrets), "an aggregated role's own rules are overwritten");
    let can = |subject: Subject, question| access.can(&Identity::of(&subject), question);
    assert!(!can(Subject::user("jane"), &pods));
    let nodes = Question { namespace: None, ..Question::new("delete", "", "nodes") };
    assert!(can(Subject::Group("system:masters".into()), &nodes));
    assert!(!can(Subject::user("system:masters"), &nodes), "a user named like the group");
}

#[test]
fn subjects_are_read_in_every_form() {
    let account = Some(Subject::account("shop", "web"));
    assert_eq!(Subject::parse("sa:shop/web"), account);
    assert_eq!(Subject::parse("serviceaccount:shop/web"), account);
    assert_eq!(Subject::parse("system:serviceaccount:shop:web"), account);
    assert_eq!(Subject::parse("user:system:serviceaccount:shop:web"), account);
    assert_eq!(Subject::parse("user:a:b"), Some(Subject::User("a:b".into())));
    assert_eq!(
        Subject::parse("group:system:masters"),
        Some(Subject::Group("system:masters".into()))
    );
    for wrong in ["jane", "sa:web", "sa:/web", "sa:shop/", "user:", "robot:x"] {
        assert_eq!(Subject::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_role_binding_without_a_namespace_holds_in_none_that_is_named() {
    let rules = r#"{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}"#;
    let binding = IN_NAMESPACE.replace(r#","namespace":"x""#, "");
    let pods = Question::new("get", "", "pods");
    assert!(can(rules, &binding, &pods), "it is in some namespace");
    assert!(!can(rules, &binding, &Question { namespace: Some("x"), ..pods }));
    assert!(!can(rules, &binding, &Question { namespace: None, ..pods }));
}

#[test]
fn kubelets_of_older_minors_read_every_pod() {
    let mut snapshot = snapshot(&[]);
    let kubelet = Identity::of(&Subject::user("system:node:a"));
    let pods = Question { namespace: Some("x"), ..Question::new("list", "", "pods") };
    let bound: &[(&str, &str)] = &[("spec.nodeName", "a")];
    let access = Access::new(World::new(&snapshot));
    assert!(!access.can(&kubelet, &pods));
    assert!(access.can(&kubelet, &Question { fields: bound, ..pods }));
    snapshot.minor = Minor::v1(31);
    assert!(Access::new(World::new(&snapshot)).can(&kubelet, &pods));
}

#[test]
fn a_permission_is_lost_when_nothing_else_gives_it() {
    let rules = r#"{"apiGroups":[""],"resources":["pods","pods/log"],"verbs":["get","list"]}"#;
    let fewer = r#"{"apiGroups":[""],"resources":["pods"],"verbs":["*"]}"#;
    let (before, after) =
        (snapshot(&[&role(rules), EVERYWHERE]), snapshot(&[&role(fewer), EVERYWHERE]));
    let (before, after) = (Access::new(World::new(&before)), Access::new(World::new(&after)));
    let shown = |from, to| -> Vec<String> {
        let lost = super::permissions::lost(from, to).unwrap();
        lost.keys().map(|(who, it)| format!("{who} {} {}", it.verb, it.target.shown())).collect()
    };
    assert_eq!(shown(&before, &after), ["sa:x/sa get pods/log", "sa:x/sa list pods/log"]);
    assert_eq!(shown(&after, &before), ["sa:x/sa * pods"]);
    assert!(shown(&after, &after).is_empty());
}

/// The name `*` is one like any other.
#[test]
fn a_permission_on_a_name_is_not_kept_by_another_name() {
    let of = |name: &str| {
        let rules = r#"{"apiGroups":[""],"resources":["secrets"],"resourceNames":["NAME"],"verbs":["get"]}"#;
        snapshot(&[&role(&rules.replace("NAME", name)), EVERYWHERE])
    };
    let (one, star) = (of("db"), of("*"));
    let (one, star) = (Access::new(World::new(&one)), Access::new(World::new(&star)));
    for (before, after, name) in [(&one, &star, "db"), (&star, &one, "*")] {
        let lost = super::permissions::lost(before, after).unwrap();
        let names: Vec<&str> = lost.keys().map(|(_, it)| it.target.name()).collect();
        assert_eq!(names, [name]);
    }
}

/// Walked once for each other they would be a matter of minutes.
#[test]
fn roles_that_select_each_other_are_read_once() {
    let rules = |n: usize| match n {
        0 => r#""rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]"#,
        _ => r#""aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}"#,
    };
    let roles: Vec<String> = (0..600)
        .map(|n| {
            format!(
                r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{{"name":"r{n}","labels":{{"a":"b"}}}},{}}}"#,
                rules(n)
            )
        })
        .collect();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let snapshot = snapshot(&roles);
    let access = Access::new(World::new(&snapshot));
    let given = access.roles().iter().filter(|role| role.object.is_given());
    let n_rules: Vec<usize> = given.map(|role| access.rules_of(role).count()).collect();
    assert_eq!(n_rules, [1; 600]);
}

#[test]
fn a_rule_that_multiplies_is_not_told_apart() {
    let many =
        |what: &str| (0..70).map(|n| format!(r#""{what}{n}""#)).collect::<Vec<_>>().join(",");
    let rules = format!(
        r#"{{"apiGroups":[{}],"resources":[{}],"verbs":[{}]}}"#,
        many("g"),
        many("r"),
        many("v")
    );
    let large = snapshot(&[&role(&rules), EVERYWHERE]);
    let none = snapshot(&[]);
    let (large, none) = (Access::new(World::new(&large)), Access::new(World::new(&none)));
    assert_eq!(super::permissions::lost(&large, &none).unwrap_err().n, 343_000);
    // What stays is not told apart at all.
    assert!(super::permissions::lost(&large, &large).unwrap().is_empty());
}

/// Nodes stand in no namespace; a Namespace is asked about as in its own.
#[test]
fn a_role_binding_grants_nothing_that_stands_in_no_namespace() {
    let rules = r#"{"apiGroups":[""],"resources":["nodes","nodes/proxy","namespaces","pods"],"verbs":["get"]},{"nonResourceURLs":["/metrics"],"verbs":["get"]}"#;
    let binding = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"b","namespace":"x"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","namespace":"x","name":"sa"}]}"#;
    let there = snapshot(&[&role(rules), binding]);
    let none = snapshot(&[]);
    let (there, none) = (Access::new(World::new(&there)), Access::new(World::new(&none)));
    let lost = super::permissions::lost(&there, &none).unwrap();
    let lost: Vec<String> = lost.keys().map(|(_, it)| it.target.shown()).collect();
    assert_eq!(lost, ["namespaces", "pods"]);
}

#[test]
fn a_subject_is_read_however_it_is_written() {
    let account = Some(Subject::account("shop", "ci"));
    for text in [
        "sa:shop/ci",
        "serviceaccount:shop/ci",
        "ServiceAccount shop/ci",
        "ServiceAccount:shop:ci",
        "system:serviceaccount:shop:ci",
        "user:system:serviceaccount:shop:ci",
    ] {
        assert_eq!(Subject::parse(text), account, "{text}");
    }
    let user = Some(Subject::user("system:kube-scheduler"));
    for text in ["User:system:kube-scheduler", "user system:kube-scheduler"] {
        assert_eq!(Subject::parse(text), user, "{text}");
    }
    assert_eq!(Subject::parse("Group:ops"), Some(Subject::Group("ops".to_owned())));
    for text in ["", "jane", "user:", "sa:ci", "sa:/ci", "system:serviceaccount:shop"] {
        assert_eq!(Subject::parse(text), None, "{text}");
    }
}
