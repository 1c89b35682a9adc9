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

fn request(name: &str, text: &str) -> Value {
    json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": text, "signerName": SIGNER, "usages": ["client auth"]}})
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
