//! Constrained impersonation.

use super::*;

const AUTHENTICATION: &str = "authentication.k8s.io";

/// The ways to a power, of jane with these rules everywhere; of the newest minor.
fn way_to(power: &Power, rules: &[String], more: &[&str]) -> Option<String> {
    way_in(Minor::NEWEST, "ClusterRole", power, rules, more)
}

fn way_in(
    minor: Minor,
    kind: &str,
    power: &Power,
    rules: &[String],
    more: &[&str],
) -> Option<String> {
    let mut snapshot = estate(kind, rules, more);
    snapshot.minor = minor;
    with(&snapshot, |paths| {
        let path = paths.to(power)?;
        let steps = path.iter().map(|step| format!("{} to {}", step.way.id, step.to));
        Some(steps.collect::<Vec<_>>().join(", "))
    })
}

fn acts(resource: &str, mode: &str, names: &[&str]) -> String {
    rule(AUTHENTICATION, resource, &format!("impersonate:{mode}"), names)
}

fn on(mode: &str, verb: &str, group: &str, resources: &str) -> String {
    rule(group, resources, &format!("impersonate-on:{mode}:{verb}"), &[])
}

#[test]
fn only_what_is_sent_as_another_is_gained() {
    let account = |names: &[&str]| acts("serviceaccounts", "serviceaccount", names);
    let create = on("serviceaccount", "create", RBAC, "clusterrolebindings");
    let admin = |rules: &[String]| way_to(&Power::ClusterAdmin, rules, &[]);
    let found = "constrained-account to user:jane as sa:shop/admin, bind to cluster-admin";
    for names in [&[][..], &["admin"]] {
        assert_eq!(admin(&[account(names), create.clone()]).as_deref(), Some(found));
    }
    // Neither half is anything, nor is a half of another mode, or another account.
    assert_eq!(admin(&[account(&[])]), None);
    assert_eq!(admin(std::slice::from_ref(&create)), None);
    assert_eq!(admin(&[account(&["runner"]), create.clone()]), None);
    assert_eq!(admin(&[acts("users", "user-info", &[]), create.clone()]), None);
    let elsewhere = on("user-info", "create", RBAC, "clusterrolebindings");
    assert_eq!(admin(&[account(&[]), elsewhere]), None);
    let lists = on("serviceaccount", "list", RBAC, "clusterrolebindings");
    assert_eq!(admin(&[account(&[]), lists]), None, "who lists bindings makes none");
    let both = [account(&[]), create];
    let before = way_in(Minor::v1(35), "ClusterRole", &Power::ClusterAdmin, &both, &[]);
    assert_eq!(before, None, "the gate is on from 1.36");
    let is = |power: Power, rules: &[String]| way_to(&power, rules, &[]).is_some();
    assert!(!is(Power::Is(Subject::account("shop", "admin")), &both), "it is not the other");
    assert!(is(Power::As(Subject::user("jane"), Subject::account("shop", "admin")), &both));
    let secrets = on("serviceaccount", "get", "", "secrets");
    assert!(is(Power::Secrets(None), &[account(&[]), secrets]));
}

/// A right in a namespace lets one send there, and the other must be allowed it too.
#[test]
fn both_sides_must_be_allowed_it() {
    let rules = [
        acts("serviceaccounts", "serviceaccount", &[]),
        on("serviceaccount", "list", "", "secrets"),
    ];
    let here = Power::Secrets(Some("shop".to_owned()));
    let way = way_in(Minor::NEWEST, "Role", &here, &rules, &[]);
    assert!(way.unwrap().ends_with("read-secrets to secrets:shop"));
    assert_eq!(way_in(Minor::NEWEST, "Role", &Power::Secrets(None), &rules, &[]), None);
    // Ann may bind and create bindings; she may not read Secrets.
    let ann =
        |rules: &[String]| bound("ClusterRole", "ann", rules, r#"{"kind":"User","name":"ann"}"#);
    let creates = rule(RBAC, "clusterrolebindings", "create", &[]);
    let binds = rule(RBAC, "clusterroles", "bind", &[]);
    let as_ann = |power: Power, rules: &[String], own: &[String]| {
        let more = ann(own);
        way_to(&power, rules, &[&more[0], &more[1]])
    };
    let rules = [
        acts("users", "user-info", &["ann"]),
        on("user-info", "create", RBAC, "clusterrolebindings"),
        on("user-info", "list", "", "secrets"),
    ];
    let both = [creates.clone(), binds.clone()];
    let found = as_ann(Power::ClusterAdmin, &rules, &both).unwrap();
    assert!(found.starts_with("constrained-user to user:jane as user:ann, bind"), "{found}");
    assert_eq!(as_ann(Power::Secrets(None), &rules, &both), None);
    // `bind` is asked inside, of ann: jane needs no impersonate-on for it, and ann needs it.
    assert_eq!(as_ann(Power::ClusterAdmin, &rules, &[creates]), None);
    assert_eq!(as_ann(Power::ClusterAdmin, &rules, &[binds]), None);
}

#[test]
fn groups_need_a_user_and_nobody_becomes_a_master() {
    let sends = on("user-info", "create", RBAC, "clusterrolebindings");
    let ops = bound(
        "ClusterRole",
        "ops",
        &[rule("*", "*", "*", &[])],
        r#"{"kind":"Group","name":"ops"},{"kind":"Group","name":"system:masters"},{"kind":"User","name":"system:node:n"}"#,
    );
    let admin = |rules: &[String]| {
        let mut rules = rules.to_vec();
        rules.push(sends.clone());
        way_to(&Power::ClusterAdmin, &rules, &[&ops[0], &ops[1]])
    };
    let group = |names: &[&str]| acts("groups", "user-info", names);
    let user = |names: &[&str]| acts("users", "user-info", names);
    let found = admin(&[group(&["ops"]), user(&["nobody"])]).unwrap();
    assert!(found.starts_with("constrained-group to user:jane as group:ops, bind"), "{found}");
    assert_eq!(admin(&[group(&[])]), None);
    assert_eq!(admin(&[group(&["system:masters"]), user(&[])]), None);
    assert_eq!(admin(&[user(&["system:node:n"])]), None, "a node has a mode of its own");
    let account = "system:serviceaccount:shop:admin";
    assert_eq!(admin(&[group(&["ops"]), user(&[account])]), None, "accounts too");
}

/// From four groups on the API server asks for the name `*`.
#[test]
fn a_rule_of_the_name_star_is_of_every_group() {
    let reads = rule("", "secrets", "list", &[]);
    let team = bound("ClusterRole", "team", &[reads], r#"{"kind":"Group","name":"team"}"#);
    let found = |names: &[&str], sends: &str| {
        let rules = [
            acts("groups", "user-info", names),
            acts("users", "user-info", &["bob"]),
            on("user-info", sends, "", "secrets"),
        ];
        way_to(&Power::Secrets(None), &rules, &[&team[0], &team[1]])
    };
    let told = "constrained-group to user:jane as group:team, read-secrets to secrets";
    assert_eq!(found(&["*"], "list").as_deref(), Some(told));
    assert_eq!(found(&["team"], "list").as_deref(), Some(told));
    assert_eq!(found(&["other"], "list"), None);
    assert_eq!(found(&["*"], "get"), None);
    let rules = [acts("groups", "user-info", &["*"]), acts("users", "user-info", &["bob"])];
    let sends = on("user-info", "create", RBAC, "clusterrolebindings");
    let all = rule("*", "*", "*", &[]);
    let masters =
        bound("ClusterRole", "root", &[all], r#"{"kind":"Group","name":"system:masters"}"#);
    let rules = [&rules[..], &[sends]].concat();
    assert_eq!(way_to(&Power::ClusterAdmin, &rules, &[&masters[0], &masters[1]]), None);
}

/// A WebSocket opens by GET, of which the sender is asked; create is asked of the other.
#[test]
fn a_pod_is_reached_by_get() {
    let account = acts("serviceaccounts", "serviceaccount", &["admin"]);
    let pods = Power::Pods(None);
    let by = |verb: &str| {
        way_to(&pods, &[account.clone(), on("serviceaccount", verb, "", "pods/exec")], &[])
    };
    assert!(by("get").is_some() && by("create").is_some());
    assert_eq!(by("list"), None);
}

/// What is had as a whole needs no constrained impersonation.
#[test]
fn what_is_had_as_a_whole_is_not_told_again() {
    let rules = [
        rule("", "serviceaccounts/token", "create", &[]),
        acts("serviceaccounts", "serviceaccount", &[]),
        on("serviceaccount", "create", RBAC, "clusterrolebindings"),
    ];
    let mut snapshot = estate("ClusterRole", &rules, &[]);
    snapshot.minor = Minor::NEWEST;
    with(&snapshot, |paths| {
        let reached: Vec<String> = paths.reached().map(ToString::to_string).collect();
        assert!(!reached.iter().any(|power| power.contains(" as ")), "{reached:?}");
    });
}

#[test]
fn tokens_of_pods_are_asked_for_as_a_node() {
    let runner = Power::Is(Subject::account("shop", "runner"));
    let nodes = acts("nodes", "arbitrary-node", &[]);
    let tokens = on("arbitrary-node", "create", "", "serviceaccounts/token");
    let found = way_to(&runner, &[nodes.clone(), tokens.clone()], &[]);
    assert_eq!(found.as_deref(), Some("constrained-node to sa:shop/runner"));
    assert_eq!(way_to(&runner, &[nodes], &[]), None);
    assert_eq!(way_to(&runner, &[tokens], &[]), None);
}

/// `impersonate` on a group needs some user too, if only one by name.
#[test]
fn a_group_and_one_user_by_name_are_enough() {
    let masters = rule("", "groups", "impersonate", &["system:masters"]);
    let one = rule("", "users", "impersonate", &["sudo"]);
    let admin = |rules: &[String]| way_to(&Power::ClusterAdmin, rules, &[]);
    let found = admin(&[masters.clone(), one]);
    assert_eq!(found.as_deref(), Some("impersonate-group to cluster-admin"));
    let account = rule("", "users", "impersonate", &["system:serviceaccount:shop:x"]);
    assert_eq!(admin(&[masters, account]), None, "accounts are a resource of their own");
}
