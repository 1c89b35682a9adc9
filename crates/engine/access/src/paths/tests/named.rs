//! Rules with resourceNames, and kubelets.

use super::*;

const ADMISSION: &str = "admissionregistration.k8s.io";

/// Everything that somebody is said to reach by these rules, each with its first way.
pub(super) fn reached(kind: &str, rules: &[String], more: &[&str]) -> Vec<String> {
    of(&Subject::user("jane"), &estate(kind, rules, more))
}

pub(super) fn of(who: &Subject, snapshot: &Snapshot) -> Vec<String> {
    let access = Access::new(World::new(snapshot));
    let paths = Escalation::new(&access).paths(who, &Identity::of(who));
    let first = |power: &Power| paths.to(power).unwrap()[0].way.id;
    let direct = paths.reached().filter(|power| paths.to(power).unwrap().len() == 1);
    let mut all: Vec<String> = direct.map(|power| format!("{} {power}", first(power))).collect();
    if let Some(path) = paths.to(&Power::ClusterAdmin).filter(|path| path.len() > 1) {
        let ways: Vec<&str> = path.iter().map(|step| step.way.id).collect();
        all.push(format!("{} to cluster-admin", ways.join(", ")));
    }
    all
}

pub(super) fn object(api: &str, kind: &str, namespace: &str, name: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"{api}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}}{more}}}"#
    )
}

/// A pod of shop, with more of its specification.
pub(super) fn pod_on(node: &str, name: &str, account: &str, more: &str) -> String {
    let spec = format!(r#","spec":{{"serviceAccountName":"{account}","nodeName":"{node}"{more}}}"#);
    object("v1", "Pod", "shop", name, &spec)
}

pub(super) fn verbs(group: &str, resource: &str, verbs: &[&str], names: &[&str]) -> Vec<String> {
    verbs.iter().map(|verb| rule(group, resource, verb, names)).collect()
}

pub(super) fn restricted(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}","labels":{{"pod-security.kubernetes.io/enforce":"restricted"}}}}}}"#
    )
}

#[test]
fn a_role_that_one_is_bound_to_may_be_rewritten() {
    let own = |kind: &str, resource: &str, name: &str, all: &[&str]| {
        reached(kind, &verbs(RBAC, resource, all, &[name]), &[])
    };
    let both = ["escalate", "patch"];
    let cluster = own("ClusterRole", "clusterroles", "jane", &both);
    assert_eq!(cluster, ["escalate cluster-admin"]);
    let update = own("ClusterRole", "clusterroles", "jane", &["escalate", "update"]);
    assert_eq!(update, ["escalate cluster-admin"]);
    let here = own("Role", "roles", "jane", &both);
    assert_eq!(here[0], "escalate-in-namespace namespace:shop", "{here:?}");
    // Not bound to it, half of it, no way to write it, another resource.
    let none: [&str; 0] = [];
    assert_eq!(own("ClusterRole", "clusterroles", "all", &both), none);
    assert_eq!(own("ClusterRole", "clusterroles", "jane", &["escalate"]), none);
    assert_eq!(own("ClusterRole", "clusterroles", "jane", &["patch", "update"]), none);
    assert_eq!(own("ClusterRole", "clusterroles", "jane", &["escalate", "get"]), none);
    assert_eq!(own("Role", "roles", "other", &both), none);
    assert_eq!(own("Role", "clusterroles", "jane", &both), none);
    // Each right on another role.
    let mixed = [
        rule(RBAC, "clusterroles", "escalate", &["jane"]),
        rule(RBAC, "clusterroles", "patch", &["all"]),
    ];
    assert_eq!(reached("ClusterRole", &mixed, &[]), none);
    // Bound to it in a namespace only.
    let other = bound("ClusterRole", "wide", &[], ADMIN);
    let binding = object(
        &format!("{RBAC}/v1"),
        "RoleBinding",
        "bank",
        "wide",
        &format!(r#","roleRef":{{"kind":"ClusterRole","name":"wide"}},"subjects":[{JANE}]"#),
    );
    let rules = verbs(RBAC, "clusterroles", &both, &["wide"]);
    let found = reached("ClusterRole", &rules, &[&other[0], &binding]);
    assert_eq!(found, ["escalate namespace:bank"]);
    // Bound to a role that selects others by their labels, which he may write.
    let selecting = object(
        &format!("{RBAC}/v1"),
        "ClusterRole",
        "",
        "sum",
        r#","aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"sum":"true"}}]}"#,
    );
    let sum = binding.replace(r#""name":"wide"}"#, r#""name":"sum"}"#);
    let rules = verbs(RBAC, "clusterroles", &both, &["part"]);
    let part = &bound("ClusterRole", "part", &[], "")[0];
    let found = reached("ClusterRole", &rules, &[&selecting, &sum, part]);
    assert_eq!(found, ["escalate namespace:bank"]);
}

#[test]
fn a_role_that_one_may_bind_gives_what_it_grants() {
    let none: [&str; 0] = [];
    let role = |name: &str, rules: &[String]| bound("ClusterRole", name, rules, "")[0].clone();
    let everything = role("super", &[rule("*", "*", "*", &[])]);
    let reads = role("reads", &[rule("", "secrets", "list", &[])]);
    let signs = role("tokens", &[rule("", "serviceaccounts/token", "create", &[])]);
    let looks = role("looks", &[rule("", "pods", "list", &[])]);
    let roles = [&*everything, &reads, &signs, &looks];
    let binds = |kind: &str, name: &str, verb: &str, binding: &str, names: &[&str]| {
        let bindings = if kind == "Role" { "rolebindings" } else { "clusterrolebindings" };
        let rules =
            [rule(RBAC, "clusterroles", "bind", &[name]), rule(RBAC, bindings, verb, names)];
        let binding = object(
            &format!("{RBAC}/v1"),
            if kind == "Role" { "RoleBinding" } else { "ClusterRoleBinding" },
            if kind == "Role" { "shop" } else { "" },
            "old",
            &format!(r#","roleRef":{{"kind":"ClusterRole","name":"{binding}"}},"subjects":[]"#),
        );
        reached(kind, &rules, &[&roles[..], &[&*binding]].concat())
    };
    let create = |kind: &str, name: &str| binds(kind, name, "create", "looks", &[]);
    assert_eq!(create("ClusterRole", "super"), ["bind cluster-admin"]);
    assert_eq!(create("Role", "super")[0], "bind-in-namespace namespace:shop");
    assert_eq!(create("ClusterRole", "reads"), ["bind clusterrole:reads"]);
    assert_eq!(create("ClusterRole", "looks"), ["bind clusterrole:looks"]);
    assert_eq!(create("ClusterRole", "missing"), none);
    let leads = "bind clusterrole:tokens";
    let to = "bind, create-token, everything to cluster-admin";
    assert_eq!(create("ClusterRole", "tokens"), [leads, to]);
    let here = create("Role", "tokens");
    let to = "bind-in-namespace, create-token, everything to cluster-admin";
    assert_eq!(here, ["bind-in-namespace clusterrole:tokens in shop", to]);
    // A binding by its name refers to its own role, and none is made by it.
    let update = |role: &str, of: &str, names: &[&str]| {
        ["update", "patch"].map(|verb| binds("ClusterRole", role, verb, of, names))
    };
    for found in update("super", "super", &["old"]) {
        assert_eq!(found, ["bind cluster-admin"]);
    }
    for found in update("super", "super", &[]) {
        assert_eq!(found, ["bind cluster-admin"]);
    }
    for found in [
        update("super", "looks", &["old"]),
        update("super", "super", &["other"]),
        update("super", "looks", &[]),
    ] {
        assert_eq!(found, [none; 2]);
    }
    assert_eq!(binds("ClusterRole", "super", "create", "super", &["old"]), none);
    assert_eq!(binds("ClusterRole", "super", "get", "super", &["old"]), none);
    let own = binds("Role", "super", "patch", "super", &["old"]);
    assert_eq!(own[0], "bind-in-namespace namespace:shop");
    assert_eq!(binds("Role", "super", "patch", "looks", &["old"]), none);
    // Nothing that stands in no namespace follows from a role that is bound in one.
    let proxy = role("proxy", &[rule("", "nodes/proxy", "get", &[])]);
    let binds =
        [rule(RBAC, "clusterroles", "bind", &["proxy"]), rule(RBAC, "rolebindings", "create", &[])];
    let snapshot = estate("Role", &binds, &[&proxy]);
    with(&snapshot, |paths| assert!(paths.to(&Power::Nodes).is_none()));
    let binds = [binds[0].clone(), rule(RBAC, "clusterrolebindings", "create", &[])];
    let snapshot = estate("ClusterRole", &binds, &[&proxy]);
    with(&snapshot, |paths| assert_eq!(paths.to(&Power::Nodes).unwrap().len(), 2));
}

#[test]
fn a_secret_by_name_gives_the_token_that_it_holds() {
    let token = |namespace: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{{"name":"t","namespace":"{namespace}","annotations":{{"kubernetes.io/service-account.name":"admin"}}}}}}"#
        )
    };
    let plain = object("v1", "Secret", "shop", "plain", "");
    let read = |kind: &str, verb: &str, name: &str, more: &[&str]| {
        reached(kind, &[rule("", "secrets", verb, &[name])], more)
    };
    let to = "read-secrets, everything to cluster-admin";
    for verb in ["get", "list", "watch"] {
        for kind in ["Role", "ClusterRole"] {
            let found = read(kind, verb, "t", &[&token("shop"), &plain]);
            assert_eq!(found, ["read-secrets sa:shop/admin", to]);
        }
    }
    let none: [&str; 0] = [];
    assert_eq!(read("Role", "get", "plain", &[&token("shop"), &plain]), none);
    assert_eq!(read("Role", "create", "t", &[&token("shop")]), none);
    assert_eq!(read("Role", "get", "t", &[&token("bank")]), none, "of another namespace");
    let other = read("ClusterRole", "get", "t", &[&token("bank")]);
    assert_eq!(other, ["read-secrets sa:bank/admin"]);
}

#[test]
fn a_workload_by_name_gives_its_namespace() {
    let kinds = [
        ("apps", "Deployment", "deployments"),
        ("apps", "DaemonSet", "daemonsets"),
        ("apps", "StatefulSet", "statefulsets"),
        ("batch", "CronJob", "cronjobs"),
    ];
    let none: [&str; 0] = [];
    for (group, kind, resource) in kinds {
        let web = object(&format!("{group}/v1"), kind, "shop", "web", "");
        let change = |of: &str, verb: &str, name: &str, web: &str| {
            let rules = [rule(group, resource, verb, &[name])];
            reached(of, &rules, &[web, &restricted("shop"), &restricted("bank")])
        };
        let found = [
            "change-workloads secrets:shop",
            "change-workloads sa:shop/admin",
            "change-workloads sa:shop/runner",
            "change-workloads, everything to cluster-admin",
        ];
        for of in ["Role", "ClusterRole"] {
            assert_eq!(change(of, "patch", "web", &web), found, "{kind}");
        }
        assert_eq!(change("Role", "update", "web", &web), found);
        assert_eq!(change("Role", "get", "web", &web), none);
        assert_eq!(change("Role", "patch", "other", &web), none);
        let bank = web.replace("shop", "bank");
        assert_eq!(change("Role", "patch", "web", &bank), none, "{kind} of another namespace");
        let found = change("ClusterRole", "patch", "web", &bank);
        assert_eq!(found, ["change-workloads secrets:bank"]);
    }
    // Pod Security decides on the node.
    let web = object("apps/v1", "Deployment", "shop", "web", "");
    let rules = [rule("apps", "deployments", "patch", &["web"])];
    for of in ["Role", "ClusterRole"] {
        let found = reached(of, &rules, &[&web]);
        assert!(found.contains(&"change-workloads nodes".to_owned()), "{found:?}");
    }
    // What was not read may be there.
    let mut fragment = estate("Role", &rules, &[]);
    assert_eq!(of(&Subject::user("jane"), &fragment), none);
    fragment.coverage = Coverage::Fragment;
    with(&fragment, |paths| {
        let path = paths.to(&Power::Secrets(Some("shop".to_owned()))).unwrap();
        assert!(path[0].condition.as_deref().unwrap().contains("deployments web is in shop"));
    });
}

#[test]
fn a_pod_by_name_gives_its_account() {
    let boss = object("v1", "Pod", "shop", "boss", r#","spec":{"serviceAccountName":"admin"}"#);
    let none: [&str; 0] = [];
    let found = |of: &str, resource: &str, verb: &str, name: &str| {
        reached(of, &[rule("", resource, verb, &[name])], &[&boss, &restricted("shop")])
    };
    let cases = [
        ("exec", "pods/exec", "create"),
        ("exec", "pods/attach", "create"),
        ("exec-by-get", "pods/exec", "get"),
        ("change-pods", "pods", "patch"),
        ("debug-pods", "pods/ephemeralcontainers", "patch"),
    ];
    for (way, resource, verb) in cases {
        for of in ["Role", "ClusterRole"] {
            let all = [
                format!("{way} pod:shop/boss"),
                format!("{way} sa:shop/admin"),
                format!("{way}, everything to cluster-admin"),
            ];
            assert_eq!(found(of, resource, verb, "boss"), all);
            let other = [format!("{way} pod:shop/p"), format!("{way} sa:shop/runner")];
            assert_eq!(found(of, resource, verb, "p"), other);
        }
        assert_eq!(found("Role", resource, verb, "missing"), none);
        assert_eq!(found("Role", resource, "delete", "boss"), none);
    }
    assert_eq!(found("Role", "pods", "create", "boss"), none, "made pods have no name yet");
    let forward = ["port-forward pod:shop/boss"];
    assert_eq!(found("Role", "pods/portforward", "create", "boss"), forward);
    assert_eq!(found("ClusterRole", "pods/portforward", "create", "boss"), forward);
    for name in ["boss", "boss:80", "http:boss:80"] {
        assert_eq!(found("Role", "pods/proxy", "get", name), forward);
    }
    assert_eq!(found("Role", "services/proxy", "get", "boss"), none);
    // The node, where Pod Security allows it.
    let debug = [rule("", "pods/ephemeralcontainers", "patch", &["boss"])];
    let found = reached("Role", &debug, &[&boss]);
    assert!(found.contains(&"debug-pods nodes".to_owned()), "{found:?}");
}

#[test]
fn a_step_says_whether_it_is_by_one_workload() {
    let by_one = |group: &str, resource: &str, verb: &str, names: &[&str]| {
        let web = object("apps/v1", "Deployment", "shop", "web", "");
        let rules = [rule(group, resource, verb, names)];
        with(&estate("Role", &rules, &[&web]), |paths| {
            let runner = Power::Is(Subject::account("shop", "runner"));
            paths.to(&runner).unwrap()[0].is_by_one_workload()
        })
    };
    for (group, resource, verb, name) in [
        ("apps", "deployments", "patch", "web"),
        ("", "pods", "patch", "p"),
        ("", "pods/exec", "create", "p"),
        ("", "pods/exec", "get", "p"),
        ("", "pods/ephemeralcontainers", "patch", "p"),
    ] {
        assert!(by_one(group, resource, verb, &[name]), "{verb} {resource}");
        assert!(!by_one(group, resource, verb, &[]), "{verb} {resource}");
    }
    assert!(!by_one("", "serviceaccounts/token", "create", &["runner"]), "it is that account");
}

#[test]
fn what_decides_on_admission_may_be_changed_by_name() {
    let api = format!("{ADMISSION}/v1");
    let there = |kind: &str| object(&api, kind, "", "one", "");
    let more = [
        there("MutatingWebhookConfiguration"),
        there("ValidatingWebhookConfiguration"),
        there("MutatingAdmissionPolicy"),
        there("MutatingAdmissionPolicyBinding"),
    ];
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let has = |way: &str, rules: &[String]| {
        reached("ClusterRole", rules, &more).iter().any(|found| found.starts_with(way))
    };
    let on = |resource: &str, verb: &str, name: &str| rule(ADMISSION, resource, verb, &[name]);
    for (way, resource) in [
        ("mutate nodes", "mutatingwebhookconfigurations"),
        ("see-writes secrets", "validatingwebhookconfigurations"),
    ] {
        for verb in ["update", "patch"] {
            assert!(has(way, &[on(resource, verb, "one")]), "{way} by {verb}");
        }
        for verb in ["create", "get", "delete"] {
            assert!(!has(way, &[on(resource, verb, "one")]), "{way} by {verb}");
        }
        assert!(!has(way, &[on(resource, "patch", "other")]));
    }
    let policy = on("mutatingadmissionpolicies", "patch", "one");
    let binding = on("mutatingadmissionpolicybindings", "patch", "one");
    assert!(has("mutate-by-policy nodes", &[policy.clone(), binding.clone()]));
    assert!(
        !has("mutate-by-policy", std::slice::from_ref(&policy))
            && !has("mutate-by-policy", &[binding])
    );
    let other = on("mutatingadmissionpolicybindings", "patch", "other");
    assert!(!has("mutate-by-policy", &[policy, other]));
    let off = [on("validatingwebhookconfigurations", "delete", "one")];
    assert!(has("switch-admission admission", &off));
}

#[test]
fn a_kubelet_asks_for_the_tokens_of_its_pods() {
    let token = r#"{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"name":"t","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"other"}}}"#;
    let mounts = r#","volumes":[{"name":"v","secret":{"secretName":"t"}}]"#;
    let pods = [pod_on("n1", "a", "admin", ""), pod_on("n2", "b", "runner", mounts)];
    let snapshot = estate("Role", &[], &[&pods[0], &pods[1], token]);
    let node = |name: &str| Subject::User(format!("system:node:{name}"));
    let to = "node-tokens, everything to cluster-admin";
    assert_eq!(of(&node("n1"), &snapshot), ["node-tokens sa:shop/admin", to]);
    let other = [
        "node-secrets secrets-of-pods:shop",
        "node-tokens sa:shop/other",
        "node-tokens sa:shop/runner",
    ];
    assert_eq!(of(&node("n2"), &snapshot), other);
    assert!(of(&node("n3"), &snapshot).is_empty());
    // Who acts as one node has what it has, of which version constrained impersonation is.
    let acts = |node: &str| {
        let name = "authentication.k8s.io";
        let rules = [
            rule(name, "nodes", "impersonate:arbitrary-node", &[node]),
            rule("", "serviceaccounts/token", "impersonate-on:arbitrary-node:create", &[]),
        ];
        let mut snapshot = estate("ClusterRole", &rules, &[&pods[0], &pods[1]]);
        snapshot.minor = Minor::NEWEST;
        of(&Subject::user("jane"), &snapshot)
    };
    let to = "constrained-node, everything to cluster-admin";
    assert_eq!(acts("n1"), ["constrained-node sa:shop/admin", to]);
    assert_eq!(acts("n2"), ["constrained-node sa:shop/runner"]);
    assert!(acts("n3").is_empty());
    // A node's name without its group is nobody.
    let takes = |groups: &str| {
        let rules = [
            rule("", "users", "impersonate", &["system:node:n1"]),
            rule("", "groups", "impersonate", &[groups]),
        ];
        let snapshot = estate("ClusterRole", &rules, &[&pods[0]]);
        of(&Subject::user("jane"), &snapshot).contains(&format!("impersonate-user {}", node("n1")))
    };
    assert!(takes("system:nodes") && !takes("ops"));
}

#[test]
fn backwards_finds_ways_by_name_too() {
    let boss = object(
        "v1",
        "Pod",
        "shop",
        "boss",
        r#","spec":{"serviceAccountName":"admin","nodeName":"n1"}"#,
    );
    let web = object("apps/v1", "Deployment", "shop", "web", "");
    let tokens = bound(
        "ClusterRole",
        "tokens",
        &[rule("", "serviceaccounts/token", "create", &["admin"])],
        "",
    );
    let binds = [
        rule(RBAC, "clusterroles", "bind", &["tokens"]),
        rule(RBAC, "rolebindings", "create", &[]),
    ];
    let node = [
        rule("", "users", "impersonate", &["system:node:n1"]),
        rule("", "groups", "impersonate", &["system:nodes"]),
    ];
    let cases: [&[String]; 5] = [
        &[rule("", "pods/exec", "create", &["boss"])],
        &[rule("apps", "deployments", "patch", &["web"])],
        &verbs(RBAC, "clusterroles", &["escalate", "patch"], &["jane"]),
        &binds,
        &node,
    ];
    for rules in cases {
        let snapshot = estate("ClusterRole", rules, &[&boss, &web, &tokens[0]]);
        let access = Access::new(World::new(&snapshot));
        let escalation = Escalation::new(&access);
        let everybody = escalation.everybody_to(&Power::ClusterAdmin);
        for subject in escalation.subjects() {
            let paths = escalation.paths(&subject, &Identity::of(&subject));
            let forwards = paths.to(&Power::ClusterAdmin).map(|path| path.len());
            let backwards = everybody.path(&subject).map(|path| path.len());
            assert_eq!(backwards, forwards, "{subject} by {rules:?}");
        }
        assert!(everybody.path(&Subject::user("jane")).is_some(), "{rules:?}");
    }
}
