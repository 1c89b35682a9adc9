//! What rules let one make under a name, and Roles that one may bind.

use super::named::{object, of, pod_on, reached, restricted, verbs};
use super::*;

const APPLY: &[&str] = &["create", "patch"];

#[test]
fn what_is_not_there_is_made_under_a_name_that_rules_have() {
    let none: [&str; 0] = [];
    let ways = |kind: &str, rules: &[String], more: &[&str]| {
        let shop = restricted("shop");
        reached(kind, rules, &[&[&*shop], more].concat())
    };
    let run = [
        "run-pods secrets:shop",
        "run-pods sa:shop/admin",
        "run-pods sa:shop/runner",
        "run-pods, everything to cluster-admin",
    ];
    for (group, resource) in [("", "pods"), ("apps", "deployments"), ("batch", "jobs")] {
        assert_eq!(ways("Role", &verbs(group, resource, APPLY, &["x"]), &[]), run, "{resource}");
        for half in ["create", "patch"] {
            assert_eq!(ways("Role", &verbs(group, resource, &[half], &["x"]), &[]), none);
        }
        let update = verbs(group, resource, &["create", "update"], &["x"]);
        assert_eq!(ways("Role", &update, &[]), none, "{resource} are not made by update");
    }
    let everywhere = ways("ClusterRole", &verbs("", "pods", APPLY, &["x"]), &[]);
    assert!(everywhere.contains(&"run-pods sa:shop/admin".to_owned()), "{everywhere:?}");
    // Two rules; one of them about all; names that do not meet.
    let two = |create: &[&str], patch: &[&str]| {
        [rule("", "pods", "create", create), rule("", "pods", "patch", patch)]
    };
    assert_eq!(ways("Role", &two(&["x"], &["y", "x"]), &[]), run);
    assert!(ways("Role", &two(&["x"], &[]), &[]).contains(&run[1].to_owned()));
    assert_eq!(ways("Role", &two(&["x"], &["y"]), &[]), none);
    // A pod that is there is changed, and not made.
    let pod = object("v1", "Pod", "shop", "x", r#","spec":{"serviceAccountName":"runner"}"#);
    let changed = ways("Role", &verbs("", "pods", APPLY, &["x"]), &[&pod]);
    assert_eq!(changed, ["change-pods pod:shop/x", "change-pods sa:shop/runner"]);
    let either = ways("Role", &verbs("", "pods", APPLY, &["x", "y"]), &[&pod]);
    assert!(either.contains(&run[1].to_owned()), "{either:?}");
    // Where nobody knows, that is a condition.
    let mut fragment = estate("Role", &verbs("", "pods", APPLY, &["x"]), &[&restricted("shop")]);
    fragment.coverage = Coverage::Fragment;
    with(&fragment, |paths| {
        let path = paths.to(&Power::Is(Subject::account("shop", "admin"))).unwrap();
        let condition = path[0].condition.as_deref().unwrap();
        assert_eq!(condition, "if there is none of its names: pods were not read completely");
    });
}

#[test]
fn a_token_secret_is_made_and_read_under_one_name() {
    let ways = |rules: &[Vec<String>], more: &[&str]| reached("Role", &rules.concat(), more);
    let made = |name: &str| verbs("", "secrets", APPLY, &[name]);
    let read = |name: &str| verbs("", "secrets", &["get"], &[name]);
    let found = ways(&[made("t"), read("t")], &[]);
    let to = "create-token-secret, everything to cluster-admin";
    assert_eq!(
        found,
        ["create-token-secret sa:shop/admin", "create-token-secret sa:shop/runner", to]
    );
    let none: [&str; 0] = [];
    assert_eq!(ways(&[made("t"), read("u")], &[]), none);
    // Whoever creates any chooses the name that he reads.
    let creates = || verbs("", "secrets", &["create"], &[]);
    let chosen = ways(&[creates(), read("t")], &[]);
    assert_eq!(chosen, found);
    let there = object("v1", "Secret", "shop", "t", r#","type":"Opaque""#);
    assert_eq!(ways(&[creates(), read("t")], &[&there]), none, "it is there");
    assert_eq!(ways(&[creates(), [read("t"), read("u")].concat()], &[&there]), found);
    let rules = [creates(), read("t")].concat();
    let mut fragment = estate("Role", &rules, &[]);
    fragment.coverage = Coverage::Fragment;
    with(&fragment, |paths| {
        let path = paths.to(&Power::Is(Subject::account("shop", "admin"))).unwrap();
        let condition = path[0].condition.as_deref().unwrap();
        assert_eq!(condition, "if there is none of its names: secrets were not read completely");
    });
    assert_eq!(ways(&[made("t")], &[]), none);
    let there = object("v1", "Secret", "shop", "t", r#","type":"Opaque""#);
    assert_eq!(ways(&[made("t"), read("t")], &[&there]), none, "its type stays");
}

#[test]
fn bindings_and_configurations_are_made_under_a_name() {
    let none: [&str; 0] = [];
    let binds = |kind: &str, resource: &str, all: &[&str], more: &[&str]| {
        let bind = rule(RBAC, "clusterroles", "bind", &["all"]);
        let rules = [vec![bind], verbs(RBAC, resource, all, &["own"])].concat();
        reached(kind, &rules, more)
    };
    let bindings = "clusterrolebindings";
    for all in [&["create", "patch"], &["create", "update"]] {
        assert_eq!(binds("ClusterRole", bindings, all, &[]), ["bind cluster-admin"]);
        let here = binds("Role", "rolebindings", all, &[]);
        assert_eq!(here[0], "bind-in-namespace namespace:shop");
    }
    for half in ["create", "patch", "update"] {
        assert_eq!(binds("ClusterRole", bindings, &[half], &[]), none, "{half}");
    }
    let other = &bound("ClusterRole", "own", &[], "")[1];
    assert_eq!(binds("ClusterRole", bindings, APPLY, &[other]), none, "its role stays");
    let webhook = "mutatingwebhookconfigurations";
    let makes = |all: &[&str]| {
        let rules = verbs("admissionregistration.k8s.io", webhook, all, &["own"]);
        reached("ClusterRole", &rules, &[])
    };
    assert!(makes(APPLY).contains(&"mutate nodes".to_owned()), "{:?}", makes(APPLY));
    assert_eq!(makes(&["create"]), none);
    assert_eq!(makes(&["patch"]), none);
}

/// A binding that is there refers to its own role: who may bind any and change bindings,
/// but make none, has what is bound already.
#[test]
fn who_makes_no_bindings_has_what_is_bound() {
    let none: [&str; 0] = [];
    let looks = [rule("", "pods", "list", &[])];
    let binding = |kind: &str, of: &str, role: &str| {
        let role = format!(r#","roleRef":{{"kind":"{of}","name":"{role}"}},"subjects":[]"#);
        let namespace = if kind == "RoleBinding" { "shop" } else { "" };
        object(&format!("{RBAC}/v1"), kind, namespace, "old", &role)
    };
    let [wide, narrow] =
        ["ClusterRole", "Role"].map(|kind| bound(kind, "looks", &looks, "")[0].clone());
    let binds = |kind: &str, role: &str, bindings: &str, verb: &str, more: &[&str]| {
        let rules = [rule(RBAC, role, "bind", &[]), rule(RBAC, bindings, verb, &[])];
        reached(kind, &rules, &[&[&*wide, &*narrow], more].concat())
    };
    for verb in ["update", "patch"] {
        for kind in ["Role", "ClusterRole"] {
            let here = |more: &[&str]| binds(kind, "clusterroles", "rolebindings", verb, more);
            assert_eq!(here(&[]), none, "{kind}");
            let old = binding("RoleBinding", "ClusterRole", "looks");
            assert_eq!(here(&[&old]), ["bind-in-namespace clusterrole:looks in shop"], "{kind}");
            let all = here(&[&binding("RoleBinding", "ClusterRole", "all")]);
            assert_eq!(all[0], "bind-in-namespace namespace:shop", "{all:?}");
            // Jane's own Role is bound.
            let own = binds(kind, "roles", "rolebindings", verb, &[]);
            let old = binding("RoleBinding", "Role", "looks");
            let other = binds(kind, "roles", "rolebindings", verb, &[&old]);
            let looks = "bind-role role:shop/looks".to_owned();
            assert!(!own.contains(&looks) && other.contains(&looks), "{own:?} {other:?}");
        }
        // Administrators are bound everywhere.
        let found = binds("ClusterRole", "clusterroles", "clusterrolebindings", verb, &[]);
        assert!(found.contains(&"bind cluster-admin".to_owned()), "{found:?}");
    }
    // Any role, by a binding of one name.
    let under = |verbs: &[&str]| {
        let own = verbs.iter().map(|verb| rule(RBAC, "rolebindings", verb, &["own"]));
        let rules: Vec<String> = own.chain([rule(RBAC, "clusterroles", "bind", &[])]).collect();
        reached("Role", &rules, &[])
    };
    assert_eq!(under(&["create", "patch"])[0], "bind-in-namespace namespace:shop");
    assert_eq!(under(&["create"]), none);
}

#[test]
fn a_role_of_a_namespace_may_be_bound() {
    let none: [&str; 0] = [];
    let tokens = [rule("", "serviceaccounts/token", "create", &["admin"])];
    let role = |name: &str, rules: &[String]| bound("Role", name, rules, "")[0].clone();
    let (tokens, all) = (role("tokens", &tokens), role("whole", &[rule("*", "*", "*", &[])]));
    let binds = |kind: &str, names: &[&str], verb: &str, more: &[&str]| {
        let rules = [
            rule(RBAC, "roles", "bind", names),
            rule(RBAC, "rolebindings", verb, if verb == "create" { &[] } else { &["old"] }),
        ];
        reached(kind, &rules, &[&[&*tokens, &*all], more].concat())
    };
    let to = "bind-role, create-token, everything to cluster-admin";
    for kind in ["Role", "ClusterRole"] {
        let found = binds(kind, &["tokens"], "create", &[]);
        assert_eq!(found, ["bind-role role:shop/tokens", to], "{kind}");
        let found = binds(kind, &[], "create", &[]);
        let has = |text: &str| found.iter().any(|found| found == text);
        assert!(has("bind-role role:shop/tokens") && has("bind-role namespace:shop"), "{found:?}");
        assert_eq!(binds(kind, &["missing"], "create", &[]), none);
        assert_eq!(binds(kind, &["tokens"], "get", &[]), none);
    }
    assert_eq!(binds("Role", &["whole"], "create", &[])[0], "bind-role namespace:shop");
    let refers = |name: &str| {
        let role = format!(r#","roleRef":{{"kind":"Role","name":"{name}"}},"subjects":[]"#);
        object(&format!("{RBAC}/v1"), "RoleBinding", "shop", "old", &role)
    };
    let joined = binds("Role", &["tokens"], "patch", &[&refers("tokens")]);
    assert_eq!(joined, ["bind-role role:shop/tokens", to]);
    assert_eq!(binds("Role", &["tokens"], "patch", &[&refers("whole")]), none);
    // To bind Roles is not to bind ClusterRoles, nor the other way round.
    let rules = [
        rule(RBAC, "clusterroles", "bind", &["tokens"]),
        rule(RBAC, "rolebindings", "create", &[]),
    ];
    assert_eq!(reached("Role", &rules, &[&tokens]), none);
}

#[test]
fn as_the_node_of_ones_own_pod_one_asks_for_its_tokens() {
    let agent = r#"{"kind":"ServiceAccount","namespace":"shop","name":"agent"}"#;
    let name = "authentication.k8s.io";
    let acts = |names: &[&str]| rule(name, "nodes", "impersonate:associated-node", names);
    let asks = rule("", "serviceaccounts/token", "impersonate-on:associated-node:create", &[]);
    let is = |rules: &[String], node: &str, minor: Minor| {
        let rbac = bound("ClusterRole", "acts", rules, agent);
        let (own, boss) = (pod_on("n1", "a", "agent", ""), pod_on(node, "b", "admin", ""));
        let mut snapshot = estate("Role", &[], &[&own, &boss, &rbac[0], &rbac[1]]);
        snapshot.minor = minor;
        of(&Subject::account("shop", "agent"), &snapshot)
    };
    let both = [acts(&[]), asks.clone()];
    let to = "constrained-own-node, everything to cluster-admin";
    let found = is(&both, "n1", Minor::NEWEST);
    assert!(found.contains(&"constrained-own-node sa:shop/admin".to_owned()), "{found:?}");
    assert!(found.contains(&to.to_owned()), "{found:?}");
    let has = |found: Vec<String>| found.iter().any(|found| found.contains("sa:shop/admin"));
    assert!(!has(is(&both, "n2", Minor::NEWEST)), "boss runs elsewhere");
    assert!(!has(is(&both, "n1", Minor::v1(35))));
    assert!(has(is(&[acts(&["*"]), asks.clone()], "n1", Minor::NEWEST)));
    assert!(!has(is(&[acts(&["n1"]), asks.clone()], "n1", Minor::NEWEST)), "no node is named");
    assert!(!has(is(&both[..1], "n1", Minor::NEWEST)));
    assert!(!has(is(&both[1..], "n1", Minor::NEWEST)));
}

#[test]
fn what_is_sent_as_somebody_else_is_made_so_too() {
    let name = "authentication.k8s.io";
    let acts = rule(name, "serviceaccounts", "impersonate:serviceaccount", &["maker"]);
    let apply = |name: &str| rule("", "pods", "impersonate-on:serviceaccount:patch", &[name]);
    let maker = r#"{"kind":"ServiceAccount","namespace":"shop","name":"maker"}"#;
    let makes = bound("Role", "maker", &verbs("", "pods", APPLY, &["x"]), maker);
    let goes = |rules: &[String]| {
        let more = [&*makes[0], &*makes[1]];
        let mut snapshot = estate("Role", rules, &more);
        snapshot.minor = Minor::NEWEST;
        with(&snapshot, |paths| {
            let path = paths.to(&Power::ClusterAdmin)?;
            Some(path.iter().map(|step| step.way.id).collect::<Vec<_>>())
        })
    };
    let found = goes(&[acts.clone(), apply("x")]).unwrap();
    assert_eq!(found, ["constrained-account", "run-pods", "everything"]);
    assert_eq!(goes(&[acts.clone(), apply("y")]), None);
    assert_eq!(goes(&[acts]), None);
}
