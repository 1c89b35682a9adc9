//! Certificates that somebody approves for himself: a real API server signs them for any
//! group but `system:masters`, and the product tells the same.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::escalations::{binding, named, way_to};
use super::impersonation::{FORGETS, access, give, parsed, rule, settles, user};

const CERTIFICATES: &str = "certificates.k8s.io";
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/// A request (PKCS #10, PEM, base64) of certified-eve for a group: `system:masters`.
const FOR_MASTERS: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIc01JR1RBZ0VBTURFeEZ6QVZCZ05WQkFvTURu\
    TjVjM1JsYlRwdFlYTjBaWEp6TVJZd0ZBWURWUVFEREExagpaWEowYVdacFpXUXRaWFpsTUZrd0V3WUhLb1pJemow\
    Q0FRWUlLb1pJemowREFRY0RRZ0FFVkN6bmlVL2hRUnBqCmdWVjRRaTU2eGVhUTdNeEREdGhsT2xRcnFEQlZjS0Jn\
    MHBXQnpjN1VjckxVYXl1WGtWcll6ZS8yY0NQRmQyL3oKYUNBcXNsclBJcUFBTUFvR0NDcUdTTTQ5QkFNQ0EwZ0FN\
    RVVDSVFDK05YeWhoNVZHNzVPNEFyWi8zUXZCcmtucQpJZlp5UzBFMUp0QmZJRjBJbHdJZ1VjMm4wblN1SVZaUGZX\
    Uml2d0pYWDM0Zkg0Q25DaCtVN0doeUhLUEZnbEk9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";
/// The same for the group `certified-ops`.
const FOR_OPS: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIck1JR1NBZ0VBTURBeEZqQVVCZ05WQkFvTURX\
    TmxjblJwWm1sbFpDMXZjSE14RmpBVUJnTlZCQU1NRFdObApjblJwWm1sbFpDMWxkbVV3V1RBVEJnY3Foa2pPUFFJ\
    QkJnZ3Foa2pPUFFNQkJ3TkNBQVFDYlNJS2VTTE9QV2VCClNoM3k0azVWdmRlNnB1TFdGcjZOaTJaVWY5VWowVkU0\
    MkZqakNCUnBZU0pTZU9XdVdDazkvZFNRdisreDZmdXMKWndia2ZrcC9vQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdS\
    UUloQUl4TEhYMUVGUzNldS8yMkpvR0lpd21SRSt3TwpmcWRCb0FtWjJDTDBJVk5DQWlBcHduTE1ZbWw0Uzc2dUhX\
    cWJSanJnT1A1elFKQWR3MGp3N1NqUURCKzNTZz09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

/// A request of the kubelet of the node certified-node.
const FOR_NODE: &str = "\
    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIMk1JR2VBZ0VBTUR3eEZUQVRCZ05WQkFvTURITjVj\
    M1JsYlRwdWIyUmxjekVqTUNFR0ExVUVBd3dhYzNsegpkR1Z0T201dlpHVTZZMlZ5ZEdsbWFXVmtMVzV2WkdVd1dUQVRC\
    Z2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DCkFBUUJUNUE4Kzh1ZDM0Q2pjcVRwSVhRbTI4Z1A4eHBEY1VtVlkwUXVF\
    OFkra2hVaTlYbkdqV2tWd25xbGtnSnUKRDR4MVNicWk0Z3o1UnpIbWhRTUhtenlyb0FBd0NnWUlLb1pJemowRUF3SURS\
    d0F3UkFJZ2NwMDNtS3FTcWIxNApER3ZMZWF1V0JwOEVDam9wak8zN2tBSHByc3pqSXNNQ0lGVWVvU0ZiS1pxS2lLWUZ2\
    QiswUGExVG5mZFJweWx1Ck4xUlJnWk4xL01lQwotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";

fn request(name: &str, text: &str) -> Value {
    request_of(name, text, SIGNER)
}

fn request_of(name: &str, text: &str, signer: &str) -> Value {
    json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": text, "signerName": signer, "usages": ["client auth", "digital signature"]}})
}

#[test]
fn who_approves_certificates_is_in_any_group_but_masters() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.namespace("certified");
    let (eve, who) = (User::named(&name, &[]), format!("user:{name}"));
    let ops = json!({"kind": "Group", "name": "certified-ops"});
    cluster.create_all(&[binding(&format!("{name}-ops"), None, "view", &[ops])]);
    let requests = rule(CERTIFICATES, &["certificatesigningrequests"], &["create", "get"]);
    let approval = "certificatesigningrequests/approval";
    let rules = [
        requests,
        rule(CERTIFICATES, &[approval], &["update"]),
        named(rule(CERTIFICATES, &["signers"], &["approve"]), SIGNER),
    ];
    let [masters, own] = ["masters", "ops"].map(|group| format!("{name}-{group}"));
    let approve = |dry: &str| {
        let mut asked = cluster.get(&eve, &format!("{REQUESTS}/{own}")).expect_success();
        asked["status"]["conditions"] = json!([{"type": "Approved", "status": "True",
            "reason": "t"}]);
        cluster.put(&eve, &format!("{REQUESTS}/{own}/approval{dry}"), &asked).status
    };
    let to_ops = || way_to(cluster, &who, "group:certified-ops");
    give(cluster, &name, &user(&name), &rules[..2]);
    settles(cluster, 201, || cluster.post(&eve, REQUESTS, &request(&own, FOR_OPS)).status);
    settles(cluster, 403, || approve("?dryRun=All"));
    assert_eq!(to_ops(), Value::Null);

    give(cluster, &name, &user(&name), &rules);
    settles(cluster, 200, || approve("?dryRun=All"));
    assert_eq!(to_ops(), "approve-certificate");
    let refused = cluster.post(&eve, REQUESTS, &request(&masters, FOR_MASTERS));
    assert_eq!(refused.status, 403);
    let text = refused.body.to_string();
    assert!(text.contains("system:masters group is not allowed"), "{text}");
    let masters = ["paths", &who, "--to", "group:system:masters", "cluster:", "-o", "json"];
    let told = parsed(&access(cluster, &masters));
    let steps = told["paths"][0]["steps"].as_array().cloned().unwrap_or_default();
    let is_masters = |step: &Value| step["to"] == "group:system:masters";
    assert!(!steps.is_empty() && !steps.iter().any(is_masters), "{told}");

    settles(cluster, 200, || approve(""));
    cluster.wait_for("a certificate", FORGETS, || {
        let signed = cluster.get(&eve, &format!("{REQUESTS}/{own}")).expect_success();
        signed["status"]["certificate"].is_string().then_some(())
    });
}

/// The right to approve one request is that to approve one's own: its name is free.
#[test]
fn who_approves_a_request_by_name_makes_it() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.namespace("one-request");
    let (ada, who) = (User::named(&name, &[]), format!("user:{name}"));
    let ops = json!({"kind": "Group", "name": "certified-ops"});
    cluster.create_all(&[binding(&format!("{name}-ops"), None, "view", &[ops])]);
    let approves = |one: &str| {
        let approval = rule(CERTIFICATES, &["certificatesigningrequests/approval"], &["update"]);
        [
            rule(CERTIFICATES, &["certificatesigningrequests"], &["create", "get"]),
            named(approval, one),
            named(rule(CERTIFICATES, &["signers"], &["approve"]), SIGNER),
        ]
    };
    let approve = || {
        let mut asked = cluster.get(&ada, &format!("{REQUESTS}/{name}")).expect_success();
        asked["status"]["conditions"] = json!([{"type": "Approved", "status": "True",
            "reason": "t"}]);
        cluster.put(&ada, &format!("{REQUESTS}/{name}/approval"), &asked).status
    };
    give(cluster, &name, &user(&name), &approves("another"));
    settles(cluster, 201, || cluster.post(&ada, REQUESTS, &request(&name, FOR_OPS)).status);
    settles(cluster, 403, approve);
    give(cluster, &name, &user(&name), &approves(&name));
    settles(cluster, 200, approve);
    assert_eq!(way_to(cluster, &who, "group:certified-ops"), "approve-certificate");
    give(cluster, &name, &user(&name), &approves(&name)[1..]);
    settles(cluster, 403, || cluster.post(&ada, REQUESTS, &request("other", FOR_OPS)).status);
    assert_eq!(way_to(cluster, &who, "group:certified-ops"), Value::Null);
}

/// A controller approves a kubelet's request for whoever may create `nodeclient`.
#[test]
fn who_may_create_nodeclient_is_any_kubelet() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("own-kubelet");
    let name = format!("{namespace}-bo");
    let (bo, who) = (User::named(&name, &[]), format!("user:{name}"));
    cluster.create_all(&[
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "one", "namespace": namespace}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace},
            "spec": {"serviceAccountName": "one", "nodeName": "certified-node",
                "containers": [{"name": "c", "image": "registry.example/c:1"}]}}),
    ]);
    let to = format!("sa:{namespace}/one");
    let signer = format!("{SIGNER}-kubelet");
    let asks = |number: usize| {
        let one = format!("{name}-{number}");
        settles(cluster, 201, || {
            cluster.post(&bo, REQUESTS, &request_of(&one, FOR_NODE, &signer)).status
        });
        one
    };
    let is_signed = |one: &str| {
        let asked = cluster.get(&bo, &format!("{REQUESTS}/{one}")).expect_success();
        asked["status"]["certificate"].is_string()
    };
    let requests = rule(CERTIFICATES, &["certificatesigningrequests"], &["create", "get"]);
    give(cluster, &name, &user(&name), std::slice::from_ref(&requests));
    let without = asks(0);
    assert_eq!(way_to(cluster, &who, &to), Value::Null);
    let approved = rule(CERTIFICATES, &["certificatesigningrequests/nodeclient"], &["create"]);
    give(cluster, &name, &user(&name), &[requests, approved]);
    settles(cluster, 200, || {
        let may = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": "create", "group": CERTIFICATES,
                "resource": "certificatesigningrequests", "subresource": "nodeclient"}}});
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = cluster.post(&bo, path, &may).expect_success();
        if answer["status"]["allowed"] == true { 200 } else { 403 }
    });
    assert!(!is_signed(&without), "nobody approved it");
    let with = asks(1);
    cluster.wait_for("a certificate", FORGETS, || is_signed(&with).then_some(()));
    assert_eq!(way_to(cluster, &who, &to), "own-kubelet");
}
