//! `ironhull access` by what audit logs show.

use ironhull_claims::claims;
use serde_json::Value;

use crate::access::access;
use crate::cli::{Run, repository};

/// A log that a real API server wrote while `ci`, anna, and jane as anna, worked.
pub(super) const LOG: &str = "tests/audit/shop.log";

pub(super) fn audit(args: &[&str]) -> Run {
    access(&[args, &["--audit", LOG]].concat())
}

#[test]
#[claims("CLU-09", part = "permissions that a log shows used, replayed with 0 denials")]
fn the_smallest_roles_allow_what_was_done_and_say_what_is_taken_away() {
    let run = audit(&["minimize", "sa:shop/ci", "tests/audit/estate.yaml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("# replayed: 22 questions, 0 denied"), "{}", run.stdout);
    assert!(run.stdout.contains("#     *  *.batch: get list watch create update patch delete"));
    // Its own roles, read back, are all that it needs.
    let folder = crate::cli::folder("minimal");
    let file = folder.join("roles.yaml");
    std::fs::write(&file, &run.stdout).unwrap();
    let own = file.to_str().unwrap();
    let can = |verb: &str, what: &[&str]| {
        let run = access(&[&["who-can", verb], what, &[own]].concat());
        run.stdout.contains("sa:shop/ci")
    };
    assert!(can("get", &["secrets", "-n", "shop", "--name", "db"]));
    assert!(!can("get", &["secrets", "-n", "shop", "--name", "other"]));
    assert!(!can("list", &["roles", "-n", "shop"]), "it was denied");
    assert!(can("list", &["nodes"]) && !can("get", &["nodes"]));
    assert!(can("get", &["/metrics"]) && !can("get", &["/logs/x"]));
    let again = audit(&["minimize", "sa:shop/ci", own]);
    assert!(!again.stdout.contains("taken away"), "{}", again.stdout);
    let jane = audit(&["minimize", "user:jane", "tests/audit/estate.yaml"]);
    assert!(jane.stdout.contains("- impersonate") && !jane.stdout.contains("deployments"));
    let nobody = audit(&["minimize", "user:nobody", "tests/audit/estate.yaml"]);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (3, ""));
    assert!(nobody.stderr.starts_with("error: user:nobody made none of the "), "{}", nobody.stderr);
}

/// A right to all namespaces, of which the log shows one to be used, is granted there.
#[test]
#[claims("CLU-45", part = "rights to all namespaces that a log shows used in one")]
fn what_is_used_in_one_namespace_is_granted_there() {
    let folder = crate::cli::folder("one-namespace");
    let estate = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reads}
rules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads}
subjects: [{kind: ServiceAccount, name: bot, namespace: shop}]
";
    let event = |verb: &str, namespace: &str, name: &str| {
        let object = serde_json::json!({"resource": "secrets", "namespace": namespace, "name": name, "apiVersion": "v1"});
        let user = serde_json::json!({"username": "system:serviceaccount:shop:bot", "groups": ["system:serviceaccounts"]});
        let event = serde_json::json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
            "auditID": format!("{verb}-{namespace}-{name}"), "verb": verb, "user": user, "objectRef": object,
            "requestURI": "/api", "responseStatus": {"code": 200},
            "requestReceivedTimestamp": "2026-11-26T01:00:00Z", "stageTimestamp": "2026-11-26T01:00:00Z",
            "annotations": {"authorization.k8s.io/decision": "allow"},
        });
        format!("{event}\n")
    };
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let estate = write("estate.yaml", estate);
    let minimal = |log: &str| {
        let log = write("log", log);
        let run = access(&["minimize", "sa:shop/bot", &estate, "--audit", &log]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let one = minimal(&event("get", "shop", "db"));
    assert!(one.contains("kind: RoleBinding") && !one.contains("kind: ClusterRole"), "{one}");
    assert!(one.contains("namespace: shop"), "{one}");
    assert!(one.contains("#   ClusterRoleBinding/reads"), "what is taken away: {one}");
    // A list of all namespaces is no use of one.
    let all = minimal(&(event("get", "shop", "db") + &event("list", "", "")));
    assert!(all.contains("kind: ClusterRoleBinding"), "{all}");
}

#[test]
#[claims("CLU-46", part = "the trail of actions, by object, user and time")]
fn who_did_answers_by_object_user_and_time() {
    let lines = |args: &[&str]| {
        let run = audit(&[&["who-did"], args].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let secret = lines(&["--object", "secrets/db", "-n", "shop", "--verb", "get"]);
    assert_eq!(secret.len(), 1);
    assert!(secret[0].contains("system:serviceaccount:shop:ci  shop/secrets/db"), "{secret:?}");
    let anna = lines(&["--user", "anna"]);
    assert!(anna.iter().any(|line| line.contains("anna (sent by jane)")));
    assert!(
        anna.iter().any(|line| line.contains("403 denied") && line.ends_with("nodes  127.0.0.1"))
    );
    assert_eq!(lines(&["--user", "sa:shop/ci"]).len(), 21, "each request once, denied ones too");
    let after = lines(&["--since", "2026-11-26T01:06:00Z"]);
    let before = lines(&["--until", "2026-11-26T01:06:00Z"]);
    assert_eq!(after.len() + before.len(), lines(&[]).len());
    assert!(!after.is_empty() && !before.is_empty());
    for wrong in [
        &["--since", "yesterday"][..],
        &["--since", "2026-11-26T01:06:00Z", "--until", "2026-11-26T01:06:00Z"],
        &["--object", "///"],
        &["--object", "secrets/"],
        &["--object", ".apps"],
        &["--object", "deployments./x"],
    ] {
        let run = audit(&[&["who-did"], wrong].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{wrong:?}: {}", run.stderr);
    }
}

#[test]
#[claims("CLU-31", part = "from a pod over its controllers to the person, with the times")]
fn a_pod_is_followed_to_the_person() {
    let pods = audit(&["who-did", "--object", "pods", "--verb", "create", "-o", "json"]).stdout;
    let names = pods.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let name = names
        .filter_map(|event| event["object"]["name"].as_str().map(str::to_owned))
        .find(|name| name.starts_with("api-"))
        .unwrap();
    let object = format!("pod/{name}");
    let run = audit(&["who-did", "--object", &object, "-n", "shop", "--origin"]);
    let by: Vec<&str> =
        run.stdout.lines().filter_map(|line| line.split(" created by ").nth(1)).collect();
    assert_eq!(by.len(), 3, "{}", run.stdout);
    assert!(by[0].contains("replicaset-controller") && by[1].contains("deployment-controller"));
    assert!(by[2].starts_with("anna (sent by jane) at "), "{by:?}");
}

#[test]
fn a_broken_log_is_told_and_the_rest_counted() {
    let folder = crate::cli::folder("audit");
    let text = std::fs::read_to_string(repository().join(LOG)).unwrap();
    let file = folder.join("cut.log");
    std::fs::write(&file, &text[..text.len() - 30]).unwrap();
    let run = access(&["who-did", "--audit", file.to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("error[IH0109]") && run.stderr.contains("cut.log:65 "),
        "{}",
        run.stderr
    );
    assert!(run.stdout.lines().count() > 50);
    assert_eq!(access(&["who-did", "--audit", "nothing.log"]).code, 2);
}
