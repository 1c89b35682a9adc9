//! `ironhull access`, driven as people drive it.

use ironhull_claims::claims;
use serde_json::Value;

use crate::access_logs::{LOG, audit};
use crate::cli::{Run, folder, repository, run_in};

pub(super) fn access(args: &[&str]) -> Run {
    let args: Vec<&str> = std::iter::once("access").chain(args.iter().copied()).collect();
    run_in(&repository(), &args, "")
}

fn json(args: &[&str]) -> Value {
    let run = access(&[args, &["-o", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stderr))
}

#[test]
fn who_can_names_binding_role_and_line() {
    let run = access(&["who-can", "get", "secrets", "-n", "shop", "examples/shop"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let line = |who: &str| {
        let line = run.stdout.lines().find(|line| line.starts_with(who));
        line.unwrap_or_else(|| panic!("{who}: {}", run.stdout))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    let rbac = "examples/shop/access/rbac.yaml";
    assert_eq!(
        line("sa:shop/api")[1..],
        ["shop", "RoleBinding/api", "Role/api", &format!("{rbac}:27")]
    );
    // Through a role that is aggregated into view.
    assert_eq!(
        line("group:system:unauthenticated")[1..4],
        ["*", "ClusterRoleBinding/anonymous-view", "ClusterRole/support-view"]
    );
    assert!(!run.stdout.contains("old-team"), "a role that is not there grants nothing");
    let elsewhere = access(&["who-can", "get", "secrets", "-n", "bank", "examples/shop"]).stdout;
    assert!(!elsewhere.contains("sa:shop/api") && elsewhere.contains("sa:shop/ci"));
    let nodes = access(&["who-can", "get", "nodes", "examples/shop"]).stdout;
    assert!(nodes.contains("sa:shop/ci") && !nodes.contains("release-bot"), "{nodes}");
    let short = access(&["who-can", "create", "Deployment", "-n", "shop", "examples/shop"]).stdout;
    let long = access(&["who-can", "create", "deployments.apps", "-n", "shop", "examples/shop"]);
    assert_eq!(short, long.stdout);
    assert!(short.contains("sa:shop/release-bot"), "edit is aggregated: {short}");
    assert!(
        access(&["who-can", "get", "/metrics", "examples/shop"])
            .stdout
            .contains("system:monitoring")
    );
    for wrong in [&["gnomes"][..], &["nodes", "-n", "shop"], &["."], &["/"]] {
        let run = access(&[&["who-can", "get"], wrong, &["examples/shop"]].concat());
        let is_path = wrong == ["/"];
        assert_eq!(run.code, if is_path { 0 } else { 2 }, "{wrong:?} {}", run.stderr);
    }
    // kubectl has an object's name behind the slash, roles a subresource.
    let note = |resource: &str| access(&["who-can", "get", resource, "examples/shop"]).stderr;
    assert!(note("secrets/db").contains("secrets --name db"), "{}", note("secrets/db"));
    for known in ["pods/log", "deployments/scale", "zones.example.com/own", "secrets"] {
        assert!(!note(known).contains("--name"), "{known}");
    }
}

/// A custom resource of a built-in one's name takes no question from it; what is asked of
/// binding a ClusterRole is asked in namespaces too.
#[test]
fn who_can_answers_what_is_asked() {
    let folder = folder("who-can");
    let rbac = |kind: &str, name: &str, place: &str, rest: &str| {
        format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"{kind}","metadata":{{"name":"{name}"{place}}},{rest}}}"#
        )
    };
    let role = |name: &str, group: &str, resource: &str, verb: &str| {
        let rules = format!(
            r#""rules":[{{"apiGroups":["{group}"],"resources":["{resource}"],"verbs":["{verb}"]}}]"#
        );
        rbac("ClusterRole", name, "", &rules)
    };
    let bound = |kind: &str, place: &str, role: &str| {
        let rest = format!(
            r#""roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{role}"}},"subjects":[{{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"{role}-user"}}]"#
        );
        rbac(kind, role, place, &rest)
    };
    let there = r#","namespace":"shop""#;
    let definition = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"nodes.longhorn.io"},"spec":{"group":"longhorn.io","scope":"Namespaced","names":{"plural":"nodes","singular":"node","kind":"Node"},"versions":[]}}"#;
    let objects = [
        definition.to_owned(),
        role("real", "", "nodes", "patch"),
        role("other", "longhorn.io", "nodes", "patch"),
        role("binder", "rbac.authorization.k8s.io", "clusterroles", "bind"),
        role("signer", "certificates.k8s.io", "signers", "approve"),
        role("scaler", "apps", "deployments", "list"),
        bound("ClusterRoleBinding", "", "real"),
        bound("ClusterRoleBinding", "", "other"),
        bound("RoleBinding", there, "binder"),
        bound("RoleBinding", there, "signer"),
        bound("ClusterRoleBinding", "", "scaler"),
    ];
    std::fs::write(folder.join("a.yaml"), objects.join("\n---\n")).unwrap();
    let ask = |args: &[&str]| {
        let run = run_in(&folder, &[&["access", "who-can"], args, &["a.yaml"]].concat(), "");
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        run
    };
    let nodes = ask(&["patch", "nodes"]);
    assert!(nodes.stdout.contains("real-user") && !nodes.stdout.contains("other-user"));
    assert!(nodes.stderr.contains("note: nodes.longhorn.io has the same name"), "{}", nodes.stderr);
    assert!(ask(&["patch", "nodes.longhorn.io"]).stdout.contains("other-user"));
    assert!(ask(&["bind", "clusterroles"]).stdout.contains("binder-user"));
    assert!(ask(&["bind", "clusterroles", "-n", "shop"]).stdout.contains("binder-user"));
    assert!(!ask(&["bind", "clusterroles", "-n", "bank"]).stdout.contains("binder-user"));
    for signers in ["signers", "signers.certificates.k8s.io"] {
        assert!(!ask(&["approve", signers]).stdout.contains("signer-user"), "{signers}");
    }
    for deployments in ["deployments.v1.apps", "deployments.apps"] {
        assert!(ask(&["list", deployments]).stdout.contains("scaler-user"), "{deployments}");
    }
    let unknown = ask(&["list", "gadgets.example.dev"]);
    assert!(unknown.stderr.contains("a resource gadgets of example.dev"), "{}", unknown.stderr);
    let json = ask(&["patch", "node", "-o", "json"]).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["question"]["resource"], "nodes");
}

/// What is bound to a name that nobody has is told to be.
#[test]
fn an_account_that_is_not_there_is_said() {
    let of = |who: &str| access(&["of", who, "examples/shop"]).stderr;
    let said = of("sa:shop/nobody");
    assert!(said.contains("note: there is no ServiceAccount shop/nobody"), "{said}");
    for there in ["sa:shop/ci", "user:jane@shop.example", "Group:system:masters"] {
        let said = of(there);
        assert!(!said.contains("there is no") && !said.contains("no binding"), "{there}: {said}");
    }
    for unknown in ["user:nobody", "Group:nobody"] {
        let said = format!("note: no binding that was read names {}", unknown.to_lowercase());
        for args in
            [&["of", unknown][..], &["paths", unknown], &["paths", "sa:shop/ci", "--to", unknown]]
        {
            let run = access(&[args, &["examples/shop"]].concat());
            assert!(run.stderr.contains(&said), "{args:?}: {}", run.stderr);
        }
    }
    let nobody = audit(&["who-did", "--user", "user:nobody"]);
    assert!(nobody.stderr.contains("note: user:nobody sent none of these requests"));
}

/// Every command takes a subject in every form.
#[test]
fn a_subject_may_be_written_as_bindings_logs_and_findings_do() {
    let forms = ["sa:shop/ci", "ServiceAccount shop/ci", "system:serviceaccount:shop:ci"];
    for args in [
        &["of", "SUBJECT", "examples/shop"][..],
        &["paths", "SUBJECT", "examples/shop"],
        &["paths", "sa:shop/release-bot", "--to", "SUBJECT", "examples/shop"],
        &["minimize", "SUBJECT", "tests/audit/estate.yaml", "--audit", LOG],
        &["who-did", "--audit", LOG, "--user", "SUBJECT"],
    ] {
        let told = forms.map(|form| {
            let args: Vec<&str> =
                args.iter().map(|arg| if *arg == "SUBJECT" { form } else { arg }).collect();
            let run = access(&args);
            assert!(run.code < 2 && run.stdout.lines().count() > 1, "{args:?}: {}", run.stderr);
            run.stdout
        });
        assert!(told.iter().all(|text| *text == told[0]), "{args:?}");
    }
    let of_group = audit(&["who-did", "--user", "Group:system:serviceaccounts:shop"]).stdout;
    assert_eq!(of_group.lines().count(), 21, "{of_group}");
}

#[test]
fn what_is_incomplete_is_said() {
    let whole = json(&["who-can", "get", "secrets", "examples/shop"]);
    assert_eq!((&whole["kind"], &whole["complete"]), (&"AccessWhoCan".into(), &true.into()));
    let part = ["of", "sa:shop/api", "examples/shop/access/rbac.yaml"];
    assert_eq!(json(&part)["complete"], false);
    assert!(access(&part).stderr.contains("may be a part of the estate"));
    assert!(!access(&["of", "sa:shop/api", "examples/shop"]).stderr.contains("a part"));
}

#[test]
fn a_subject_has_what_its_groups_have() {
    let rules = json(&["of", "system:serviceaccount:shop:api", "examples/shop"]);
    let bindings: Vec<&str> = rules["granted"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|granted| granted["binding"]["name"].as_str())
        .collect();
    assert!(bindings.contains(&"api") && bindings.contains(&"system:discovery"), "{bindings:?}");
    assert!(!bindings.contains(&"anonymous-view"));
    let grouped = access(&[
        "of",
        "user:x",
        "--in-group",
        "old-team",
        "--in-group",
        "system:masters",
        "examples/shop",
    ]);
    assert!(grouped.stdout.starts_with("everything"), "{}", grouped.stdout);
    assert_eq!(access(&["of", "jane", "examples/shop"]).code, 2);
}

#[test]
#[claims("CLU-02", part = "the ways of one subject to secrets, nodes and other subjects")]
fn paths_end_where_they_should() {
    let reached =
        access(&["paths", "sa:shop/release-bot", "--to", "secrets:shop", "examples/shop"]);
    assert_eq!(reached.code, 1, "{}", reached.stderr);
    assert!(
        reached.stdout.contains("read-secrets")
            && reached.stdout.contains("RoleBinding/release-bot")
    );
    let admin = access(&["paths", "user:jane@shop.example", "--to", "nodes", "examples/shop"]);
    assert_eq!(admin.code, 1);
    let not = access(&["paths", "sa:shop/api", "--to", "cluster-admin", "examples/shop"]);
    assert_eq!((not.code, not.stdout.lines().count()), (0, 1), "{}", not.stdout);
    let all = json(&["paths", "sa:shop/release-bot", "examples/shop"]);
    let paths = all["paths"].as_array().unwrap();
    for path in paths {
        let steps = path["steps"].as_array().unwrap();
        assert_eq!(steps[0]["from"], "sa:shop/release-bot");
        assert_eq!(steps.last().unwrap()["to"], path["to"]);
        assert!(steps.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]));
    }
    assert!(paths.len() > 3);
    assert_eq!(access(&["paths", "sa:shop/api", "--to", "heaven", "examples/shop"]).code, 2);
}

#[test]
fn graphs_name_every_end_of_their_edges() {
    let graph = json(&["graph", "examples/shop"]);
    let n_nodes = graph["nodes"].as_array().unwrap().len() as u64;
    let edges = graph["edges"].as_array().unwrap();
    let is_node = |end: &Value| end.as_u64().is_some_and(|number| number < n_nodes);
    assert!(edges.iter().all(|edge| is_node(&edge["from"]) && is_node(&edge["to"])));
    assert!(edges.iter().any(|edge| edge["kind"] == "way"));
    let dot = access(&["graph", "examples/shop"]).stdout;
    assert!(dot.starts_with("digraph") && dot.ends_with("}\n"));
    assert_eq!(dot.matches(" -> ").count(), edges.len());
    let mermaid = access(&["graph", "-o", "mermaid", "examples/shop"]).stdout;
    assert_eq!(mermaid.lines().count() as u64, 1 + n_nodes + edges.len() as u64);
}

/// Thousands who come to be the same thousands are a line each.
#[test]
fn graphs_draw_many_once() {
    let folder = folder("graph-many");
    let draw = |n: usize| {
        let named = (0..n).map(|number| {
            format!(r#"{{"kind":"ServiceAccount","namespace":"shop","name":"s{number}"}}"#)
        });
        let named = named.collect::<Vec<_>>().join(",");
        let api = r#""apiVersion":"rbac.authorization.k8s.io/v1""#;
        let text = format!(
            r#"{{{api},"kind":"ClusterRole","metadata":{{"name":"runs"}},"rules":[{{"apiGroups":[""],"resources":["pods"],"verbs":["create"]}}]}}
---
{{{api},"kind":"ClusterRoleBinding","metadata":{{"name":"runs"}},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"runs"}},"subjects":[{named}]}}"#
        );
        std::fs::write(folder.join("a.yaml"), text).unwrap();
        let run = run_in(&folder, &["access", "graph", "a.yaml", "-o", "json"], "");
        serde_json::from_str::<Value>(&run.stdout).unwrap()
    };
    let graph = draw(20);
    let number = |name: &str| {
        let nodes = graph["nodes"].as_array().unwrap();
        nodes.iter().find(|node| node["name"] == name).map(|node| node["id"].clone()).unwrap()
    };
    let edge = |from: &str, to: &str| {
        let (from, to) = (number(from), number(to));
        let edges = graph["edges"].as_array().unwrap();
        let edge = edges.iter().find(|edge| edge["from"] == from && edge["to"] == to);
        edge.map(|edge| edge["label"].clone()).unwrap_or_default()
    };
    assert_eq!(edge("sa:shop/s3", "sa:*/*"), "run-pods");
    assert_eq!(edge("sa:*/*", "sa:shop/s4"), "each of them");
    assert_eq!(edge("sa:shop/s3", "sa:shop/s4"), Value::Null);
    let n_edges = |n: usize| draw(n)["edges"].as_array().unwrap().len();
    let (one, ten) = (n_edges(50), n_edges(500));
    assert!(ten <= 10 * one, "{one} edges, {ten} of ten times as many");
}

#[test]
fn diffs_tell_what_is_lost_and_gained() {
    let same = access(&["diff", "examples/shop", "examples/shop"]);
    assert_eq!((same.code, &*same.stdout), (0, "0 lost, 0 gained\n"));
    let run = access(&["diff", "examples/shop", "examples/shop-hardened"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .lines()
            .any(|line| line.starts_with('-') && line.contains("user:jane@shop.example"))
    );
    let back = json(&["diff", "examples/shop-hardened", "examples/shop"]);
    let there = json(&["diff", "examples/shop", "examples/shop-hardened"]);
    let names = |side: &Value| -> Vec<String> {
        side.as_array()
            .unwrap()
            .iter()
            .map(|change| format!("{}{}{}", change["subject"], change["on"], change["verbs"]))
            .collect()
    };
    assert_eq!(names(&back["gained"]), names(&there["lost"]));
    assert!(!names(&there["lost"]).is_empty());
}

#[test]
#[claims("CLU-48", part = "bindings compared with what the directory exports")]
#[claims("CLU-13", part = "users and groups that no directory knows")]
fn who_left_the_directory_and_has_rights_is_told() {
    let folder = crate::cli::folder("stale");
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let estate = write(
        "bindings.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: people}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: 'oidc:jane'}
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: 'oidc:left'}
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: certificate-user}
- {kind: User, apiGroup: rbac.authorization.k8s.io, name: 'system:kube-proxy'}
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'g:ops'}
- {kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'g:jane'}
- {kind: ServiceAccount, name: bot, namespace: shop}
",
    );
    let people = write(
        "people.json",
        r#"{"Resources": [{"userName": "jane"}, {"userName": "left", "active": false}]}"#,
    );
    let groups = write("groups.txt", "group:ops\n");
    let prefixes = ["--user-prefix", "oidc:", "--group-prefix", "g:"];
    let directory = ["stale", "--directory", &people, "--directory", &groups];
    let run = access(&[&directory[..], &prefixes, &[&estate]].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let columns = |line: &'_ str| -> [String; 2] {
        let mut cells = line.split("   ").map(str::trim).filter(|cell| !cell.is_empty());
        [(); 2].map(|()| cells.next().unwrap().to_owned())
    };
    let told: Vec<[String; 2]> = run.stdout.lines().skip(1).map(columns).collect();
    let expected = [
        ["group:g:jane", "not in the directory"],
        ["user:certificate-user", "not of the directory"],
        ["user:oidc:left", "not in the directory"],
    ];
    assert_eq!(told, expected, "{}", run.stdout);
    assert!(run.stderr.contains("3 bound and not in the directory, 2 bound and in it"));
    let back = write("back.txt", "user:left\ngroup:jane\nuser:certificate-user\n");
    let all = [&directory[..], &["--directory", &back, &estate]].concat();
    let run = access(&[&all[..], &prefixes].concat());
    assert_eq!(run.code, 1, "a name without the prefix is of no directory: {}", run.stdout);
    let json = access(&[&all[..], &prefixes, &["-o", "json"]].concat()).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["kind"], &json["known"]), (&"AccessStale".into(), &4.into()));
    assert_eq!(json["stale"][0]["why"], "not of the directory");
    let empty = write("empty.json", "{}");
    let run = access(&["stale", "--directory", &empty, &estate]);
    assert_eq!(run.code, 2, "an empty directory would make everybody stale");
}

/// Whoever may write a binding names whom he likes: that forges no row and steers no
/// terminal.
#[test]
fn names_of_subjects_steer_no_terminal() {
    let folder = folder("access-names");
    let binding = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"bob\u001b[2J\nuser:fake"}]}"#;
    std::fs::write(folder.join("b.json"), binding).unwrap();
    for args in [
        &["access", "admins", "b.json"][..],
        &["access", "who-can", "get", "secrets", "b.json"],
        &["access", "graph", "-o", "dot", "b.json"],
        &["access", "graph", "-o", "mermaid", "b.json"],
        &["access", "paths", "user:bob\u{1b}[2J\nuser:fake", "b.json"],
        &["access", "of", "user:bob\u{1b}[2J\nuser:fake", "b.json"],
        &["access", "diff", "b.json", "/dev/null"],
    ] {
        let run = run_in(&folder, args, "");
        assert!(
            run.stdout.contains("bob") || run.stdout.contains("cluster-admin"),
            "{args:?}: {}{}",
            run.stdout,
            run.stderr
        );
        let is_bare = |text: &str| text.contains('\u{1b}') || text.contains("\nuser:fake");
        assert!(!is_bare(&run.stdout) && !is_bare(&run.stderr), "{args:?}: {}", run.stdout);
    }
}
