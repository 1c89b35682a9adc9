//! What a real API server asks inside of requests, with ordinary verbs: the smallest roles
//! from its log allow it.

use ironhull_testkit::cluster::{Cluster, Options, User};
use serde_json::{Value, json};

use super::cli::folder;
use super::impersonation::{FORGETS, access, give, meta, parsed, rule, user};

const ADMISSION: &str = "admissionregistration.k8s.io";
const CLAIMS: &str = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";

fn policy(kind: &str, name: &str) -> Value {
    let parameters = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    let matches = json!({"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
        "resources": ["secrets"], "operations": ["CREATE"]}]});
    let mut spec = json!({"paramKind": parameters, "matchConstraints": matches});
    if kind == "ValidatingAdmissionPolicy" {
        spec["validations"] = json!([{"expression": "true"}]);
    } else {
        let expression = "Object{metadata: Object.metadata{labels: {\"a\": \"b\"}}}";
        spec["reinvocationPolicy"] = json!("Never");
        spec["mutations"] = json!([{"patchType": "ApplyConfiguration",
            "applyConfiguration": {"expression": expression}}]);
    }
    json!({"apiVersion": format!("{ADMISSION}/v1"), "kind": kind, "metadata": meta(name, None),
        "spec": spec})
}

fn binding(kind: &str, name: &str, parameters: &Value) -> Value {
    let mut spec = json!({"policyName": "p", "paramRef": parameters});
    if kind == "ValidatingAdmissionPolicyBinding" {
        spec["validationActions"] = json!(["Warn"]);
    }
    json!({"apiVersion": format!("{ADMISSION}/v1"), "kind": kind, "metadata": meta(name, None),
        "spec": spec})
}

/// What is made as dry runs, so that it can be made again.
fn made() -> Vec<Value> {
    let named = json!({"name": "limits", "namespace": "default",
        "parameterNotFoundAction": "Allow"});
    let selected = json!({"selector": {"matchLabels": {"a": "b"}},
        "parameterNotFoundAction": "Allow"});
    vec![
        policy("ValidatingAdmissionPolicy", "own"),
        policy("MutatingAdmissionPolicy", "own"),
        binding("ValidatingAdmissionPolicyBinding", "own", &named),
        binding("MutatingAdmissionPolicyBinding", "own", &selected),
    ]
}

/// Their statuses, and that of a claim being bound; 200 for any success.
fn work(cluster: &Cluster, who: &User) -> Vec<u16> {
    let dry = |object: &Value| {
        let path = cluster.path(object);
        let (path, _) = path.rsplit_once('/').expect("a name");
        cluster.post(who, &format!("{path}?dryRun=All"), object).status
    };
    let claim = json!({"status": {"allocation": {"devices": {"results": [
        {"request": "r", "driver": "d.example.com", "pool": "p", "device": "d"}]}}}});
    let bound = cluster.merge(who, &format!("{CLAIMS}/c/status?dryRun=All"), &claim).status;
    let all = made().iter().map(dry).chain([bound]).collect::<Vec<_>>();
    all.into_iter().map(|status| if status / 100 == 2 { 200 } else { status }).collect()
}

#[test]
fn the_smallest_roles_allow_what_is_asked_inside() {
    let log = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
        "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]});
    let options = Options { audit_policy: Some(log), ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let cluster = &cluster;
    cluster.create_all(&[
        policy("ValidatingAdmissionPolicy", "p"),
        policy("MutatingAdmissionPolicy", "p"),
        json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": meta("c", Some("default")),
            "spec": {"devices": {"requests": [
                {"name": "r", "exactly": {"deviceClassName": "x"}}]}}}),
    ]);
    let writer = User::named("writer", &[]);
    let writes = rule(ADMISSION, &["*"], &["create", "get"]);
    let reads = rule("", &["configmaps", "secrets"], &["get", "list", "watch"]);
    let claims = ["resourceclaims/status", "resourceclaims/binding"];
    let binds = rule("resource.k8s.io", &claims, &["update", "patch"]);
    let all = [writes, reads, binds];
    let is = |statuses: [u16; 5]| {
        let what = format!("{statuses:?}");
        cluster.wait_for(&what, FORGETS, || (work(cluster, &writer) == statuses).then_some(()));
    };
    // Each is asked for.
    give(cluster, "writer", &user("writer"), &[all[0].clone(), all[2].clone()]);
    is([422, 422, 422, 422, 200]);
    let mut status_only = all[2].clone();
    status_only["resources"] = json!(claims[..1]);
    give(cluster, "writer", &user("writer"), &[all[0].clone(), all[1].clone(), status_only]);
    is([200, 200, 200, 200, 422]);
    give(cluster, "writer", &user("writer"), &all);
    is([200; 5]);
    let copy = folder("unseen-log").join("audit.log");
    std::fs::copy(cluster.dir().join("logs/audit"), &copy).unwrap();
    let args = ["minimize", "user:writer", "cluster:", "-o", "json", "--audit"];
    let run = access(cluster, &[&args[..], &[copy.to_str().unwrap()]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report = parsed(&run);
    assert_eq!(report["replay"]["denied"], 0, "{report}");
    let notes = report["notes"].to_string();
    let kept = "get configmaps, get secrets, list configmaps, list secrets, patch resourceclaims/binding.resource.k8s.io";
    assert!(notes.contains(kept), "{notes}");
    let taken = report["takenAway"].to_string();
    assert!(taken.contains("\"watch\"") && taken.contains("\"update\""), "{taken}");
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/writer";
    cluster.delete(&User::admin(), path).expect_success();
    is([403; 5]);
    let smallest: Vec<Value> = report["documents"].as_array().unwrap().clone();
    cluster.create_all(&smallest);
    is([200; 5]);
}
