//! What other servers asked about somebody: counted by `access minimize` where the log
//! holds it, and told where it does not.

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::folder;
use super::impersonation::{access, account, give, meta, parsed, rule, settles};

/// A cluster whose log holds reviews with their content.
fn cluster() -> Option<Cluster> {
    let policy = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived"], "rules": [
            {"level": "RequestResponse", "resources": [
                {"group": "authorization.k8s.io"}, {"group": "authentication.k8s.io"}]},
            {"level": "Metadata"}]});
    Cluster::start(&Options { audit_policy: Some(policy), ..Options::default() })
}

/// Asks, as a kubelet, whether the scraper may do something.
fn ask(cluster: &Cluster, namespace: &str, verb: &str, subresource: &str) -> bool {
    let user = format!("system:serviceaccount:{namespace}:scraper");
    let groups = ["system:serviceaccounts", "system:authenticated"];
    let attributes = json!({"verb": verb, "resource": "nodes", "subresource": subresource,
        "name": "node-a"});
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": groups, "resourceAttributes": attributes}});
    let kubelet = User::named("system:node:node-a", &["system:nodes"]);
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = cluster.post(&kubelet, path, &review).expect_success();
    answer["status"]["allowed"] == true
}

#[test]
fn what_other_servers_ask_counts_where_the_log_holds_it() {
    let Some(cluster) = cluster() else { return };
    let namespace = &*cluster.namespace("scraping");
    let scraper = account(namespace, "scraper");
    cluster.create_all(&[json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": meta("scraper", Some(namespace))})]);
    let rights =
        [rule("", &["nodes/metrics", "nodes/proxy"], &["get"]), rule("", &["pods"], &["list"])];
    give(&cluster, "scraper", &scraper, &rights);
    let own = User::service_account(namespace, "scraper");
    settles(&cluster, 200, || cluster.get(&own, "/api/v1/pods").status);
    assert!(ask(&cluster, namespace, "get", "metrics"));
    assert!(!ask(&cluster, namespace, "get", "log"));
    let token =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/scraper/token");
    let token = cluster.post(&User::admin(), &path, &token).expect_success();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": token["status"]["token"]}});
    let reviews = "/apis/authentication.k8s.io/v1/tokenreviews";
    let kubelet = User::named("system:node:node-a", &["system:nodes"]);
    cluster.post(&kubelet, reviews, &review).expect_success();

    let log = std::fs::read_to_string(cluster.dir().join("logs/audit")).unwrap();
    let minimize = |name: &str, log: &str| {
        let file = folder(&format!("reviews-{name}")).join("audit.log");
        std::fs::write(&file, log).unwrap();
        let who = format!("sa:{namespace}/scraper");
        let log = file.to_str().unwrap();
        let args = ["minimize", &who, "cluster:", "-o", "json", "--audit", log];
        let run = access(&cluster, &args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        parsed(&run)
    };
    let whole = minimize("whole", &log);
    let documents = whole["documents"].to_string();
    assert!(documents.contains("nodes/metrics") && !documents.contains("nodes/log"), "{documents}");
    assert!(!documents.contains("nodes/proxy"), "{documents}");
    assert_eq!(whole["replay"]["denied"], 0);
    let by = json!({"system:node:node-a": 1});
    assert_eq!(
        whole["reviews"],
        json!({"counted": by, "unread": {}, "tokens": by, "tokensUnread": {}})
    );
    let taken = whole["takenAway"].to_string();
    assert!(taken.contains("nodes/proxy"), "{taken}");
    let notes = whole["notes"].to_string();
    assert!(
        notes.contains(
            "counted: SubjectAccessReviews about it that were allowed, of system:node:node-a 1"
        ),
        "{notes}"
    );
    assert!(!notes.contains("look before"), "{notes}");

    // Without the answers: what it may now. Without any content: told.
    let without = |fields: &[&str]| {
        let lines = log.lines().map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            for field in fields {
                event.as_object_mut().unwrap().remove(*field);
            }
            event.to_string() + "\n"
        });
        lines.collect::<String>()
    };
    let asked = minimize("asked", &without(&["responseObject"]));
    assert_eq!(asked["documents"], whole["documents"]);
    assert_eq!(asked["reviews"]["tokensUnread"], by);
    let bare = minimize("bare", &without(&["requestObject", "responseObject"]));
    assert!(!bare["documents"].to_string().contains("nodes/metrics"));
    let unread = &bare["reviews"]["unread"];
    assert_eq!(unread, &json!({"system:node:node-a": 2}));
    let notes = bare["notes"].to_string();
    assert!(
        notes
            .contains("not counted: SubjectAccessReviews that the log holds without their content"),
        "{notes}"
    );
    assert!(notes.contains("system:node:node-a 2") && notes.contains("look before"), "{notes}");
}
