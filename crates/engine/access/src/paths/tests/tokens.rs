//! Of which pods a kubelet may ask for a token of the API server's, and which hold one.

use super::*;

const CLAIM: &str = r#"{"name":"v","persistentVolumeClaim":{"claimName":"c"}}"#;

fn projected(audience: &str) -> String {
    let source = format!(r#"{{"serviceAccountToken":{{"path":"t"{audience}}}}}"#);
    format!(r#"{{"name":"v","projected":{{"sources":[{source}]}}}}"#)
}

/// A pod on node n1 as an API server has it, with a volume if any; as `admin`.
fn pod(volume: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"boss","namespace":"shop","uid":"1"}},
            "spec":{{"serviceAccountName":"admin","nodeName":"n1","volumes":[{volume}]{more}}}}}"#
    )
}

/// The static pod of the API server.
fn server(flags: &[&str]) -> String {
    let command = [&["kube-apiserver"], flags].concat();
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"kube-apiserver-n0","namespace":"kube-system","uid":"2",
            "annotations":{{"kubernetes.io/config.mirror":"x"}}}},
            "spec":{{"nodeName":"n0","containers":[{{"name":"c","image":"a","command":{command:?}}}]}}}}"#
    )
}

/// Whether the kubelet of n1 is `admin`, or under which condition.
fn takes(minor: u16, pod: &str, more: &[&str]) -> String {
    let mut snapshot = estate("Role", &[], &[&[pod], more].concat());
    snapshot.minor = Minor::v1(minor);
    let access = Access::new(World::new(&snapshot));
    let node = Subject::user("system:node:n1");
    let paths = Escalation::new(&access).paths(&node, &Identity::of(&node));
    let Some(path) = paths.to(&Power::Is(Subject::account("shop", "admin"))) else {
        return NO.to_owned();
    };
    assert_eq!(path[0].way.id, "node-tokens");
    path[0].condition.clone().unwrap_or_else(|| YES.to_owned())
}

const YES: &str = "yes";
const NO: &str = "no";

#[test]
fn a_kubelet_asks_for_audiences_that_the_pod_names() {
    let theirs = projected(r#","audience":"sts.example.com""#);
    assert_eq!(takes(37, &pod("", ""), &[]), NO, "no token volume");
    assert_eq!(takes(33, &pod("", ""), &[]), NO);
    assert_eq!(takes(32, &pod("", ""), &[]), YES, "the gate is off by default");
    assert_eq!(takes(37, &pod(&projected(""), ""), &[]), YES);
    let own = projected(r#","audience":"https://kubernetes.default.svc.cluster.local""#);
    assert_eq!(takes(37, &pod(&own, ""), &[]), YES);
    let condition = takes(37, &pod(&theirs, ""), &[]);
    assert_eq!(condition, "if the API server takes tokens for the audience sts.example.com");
    // A file's pod gets its volume when it is admitted, unless it is told not to.
    let file = pod("", "").replace(r#","uid":"1""#, "");
    assert_eq!(takes(37, &file, &[]), YES);
    let off = r#","automountServiceAccountToken":false"#;
    let file_off = pod("", off).replace(r#","uid":"1""#, "");
    assert_eq!(takes(37, &file_off, &[]), NO);
    let account = r#"{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"admin","namespace":"shop"},"automountServiceAccountToken":false}"#;
    assert_eq!(takes(37, &file, &[account]), NO);
    assert_eq!(takes(37, &pod(&projected(""), off), &[account]), YES, "it has one of its own");
}

#[test]
fn flags_say_what_the_api_server_takes_and_checks() {
    const ON: &str = "--enable-admission-plugins=PodSecurity,NodeRestriction";
    let theirs = pod(&projected(r#","audience":"sts.example.com""#), "");
    let own = pod(&projected(r#","audience":"https://kubernetes.default.svc""#), "");
    let takes = |minor, pod: &str, flags: &[&str]| takes(minor, pod, &[&server(flags)]);
    let issued = |issuer: &str| format!("--service-account-issuer={issuer}");
    let both = [&*issued("sts.example.com"), "--service-account-issuer", "old.example.com", ON];
    assert_eq!(takes(37, &theirs, &both), YES);
    assert_eq!(takes(37, &own, &both), NO);
    let listed = ["--api-audiences=sts.example.com,x", &*issued("y"), ON];
    assert_eq!(takes(37, &theirs, &listed), YES);
    assert_eq!(takes(37, &theirs, &["--api-audiences=x", &*issued("sts.example.com"), ON]), NO);
    let bare = pod("", "");
    assert_eq!(takes(37, &bare, &[ON]), NO);
    assert_eq!(takes(37, &bare, &["--enable-admission-plugins=PodSecurity"]), YES);
    assert_eq!(takes(37, &bare, &[]), YES, "NodeRestriction is off by default");
    let gate = |value: &str| {
        format!("--feature-gates=A=true,{}={value}", "ServiceAccountNodeAudienceRestriction")
    };
    assert_eq!(takes(37, &bare, &[ON, &*gate("false")]), YES);
    assert_eq!(takes(32, &bare, &[ON, &*gate("true")]), NO);
}

#[test]
fn drivers_of_volumes_and_rules_name_audiences_too() {
    let driver = |audience: &str| {
        format!(
            r#"{{"apiVersion":"storage.k8s.io/v1","kind":"CSIDriver","metadata":{{"name":"disk.csi.azure.com"}},"spec":{{"tokenRequests":[{{"audience":"{audience}"}}]}}}}"#
        )
    };
    let volume = |name: &str, source: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"pv"}},"spec":{{"claimRef":{{"namespace":"shop","name":"{name}"}},{source}}}}}"#
        )
    };
    let csi = r#""csi":{"driver":"disk.csi.azure.com"}"#;
    let ours = driver("");
    assert_eq!(takes(37, &pod(&format!(r#"{{"name":"v",{csi}}}"#), ""), &[&ours]), YES);
    assert_eq!(takes(37, &pod(r#"{"name":"v","azureDisk":{}}"#, ""), &[&ours]), YES);
    assert_eq!(takes(37, &pod(r#"{"name":"v","azureDisk":{}}"#, ""), &[]), NO);
    assert_eq!(takes(37, &pod(CLAIM, ""), &[&ours, &volume("c", csi)]), YES);
    assert_eq!(takes(37, &pod(CLAIM, ""), &[&ours, &volume("d", csi)]), NO);
    assert_eq!(takes(37, &pod(CLAIM, ""), &[&ours, &volume("c", r#""azureDisk":{}"#)]), YES);
    let ephemeral = r#"{"name":"v","ephemeral":{"volumeClaimTemplate":{}}}"#;
    assert_eq!(takes(37, &pod(ephemeral, ""), &[&ours, &volume("boss-v", csi)]), YES);
    let theirs = driver("api://example");
    assert!(takes(37, &pod(CLAIM, ""), &[&theirs, &volume("c", csi)]).contains("api://example"));
    // By RBAC.
    let asks = |resource: &str, account: &str, subject: &str| {
        let verb = "request-serviceaccounts-token-audience";
        let rules = [rule("", resource, verb, &[account])];
        let rbac = bound("ClusterRole", "asks", &rules, subject);
        takes(37, &pod("", ""), &[&rbac[0], &rbac[1]])
    };
    let nodes = r#"{"kind":"Group","name":"system:nodes"}"#;
    assert_eq!(asks("*", "admin", nodes), YES);
    assert_eq!(asks("", "admin", nodes), YES);
    assert_eq!(asks("*", "admin", r#"{"kind":"User","name":"system:node:n1"}"#), YES);
    assert_eq!(asks("*", "admin", r#"{"kind":"User","name":"system:node:n2"}"#), NO);
    assert_eq!(asks("*", "other", nodes), NO);
    assert_eq!(asks("sts.example.com", "admin", nodes), NO);
}

#[test]
fn a_pod_without_a_token_gives_no_account() {
    let without = pod("", "");
    let with = pod(&projected(""), "");
    let theirs = pod(&projected(r#","audience":"sts.example.com""#), "");
    let admin = Power::Is(Subject::account("shop", "admin"));
    let by = |rules: &[String], kind: &str, pod: &str| {
        let mut snapshot = estate(kind, rules, &[pod]);
        snapshot.minor = Minor::v1(37);
        super::with(&snapshot, |paths| paths.to(&admin).map(|path| path[0].way.id))
    };
    for names in [&[][..], &["boss"]] {
        let exec = [rule("", "pods/exec", "create", names)];
        assert_eq!(by(&exec, "Role", &with), Some("exec"));
        assert_eq!(by(&exec, "Role", &without), None);
        assert_eq!(by(&exec, "Role", &theirs), None);
    }
    let all = [
        rule("certificates.k8s.io", "certificatesigningrequests", "create", &[]),
        rule("certificates.k8s.io", "certificatesigningrequests/approval", "update", &[]),
        rule("certificates.k8s.io", "signers", "approve", &[]),
    ];
    let kubelet = |signer: &str| {
        let signer = format!("kubernetes.io/{signer}");
        let signer = rule("certificates.k8s.io", "signers", "approve", &[&signer]);
        [all[0].clone(), all[1].clone(), signer]
    };
    let kubelet = kubelet("kube-apiserver-client-kubelet");
    assert_eq!(by(&kubelet, "ClusterRole", &with), Some("approve-kubelet"));
    assert_eq!(by(&kubelet, "ClusterRole", &without), None);
    let proxy = [rule("", "nodes/proxy", "get", &[])];
    assert_eq!(by(&proxy, "ClusterRole", &with), Some("nodes-proxy"));
    assert_eq!(by(&proxy, "ClusterRole", &without), None);
}

#[test]
fn as_a_node_one_asks_where_one_may() {
    let with = pod(&projected(""), "");
    let acts = [rule("authentication.k8s.io", "nodes", "impersonate:arbitrary-node", &["n1"])];
    let asks = [rule("", "serviceaccounts/token", "impersonate-on:arbitrary-node:create", &[])];
    let reaches = |namespace: &str| {
        let mut more = vec![with.replace("shop", namespace)];
        more.extend(bound("Role", "asks", &asks, JANE));
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let mut snapshot = estate("ClusterRole", &acts, &more);
        snapshot.minor = Minor::NEWEST;
        let account = Subject::account(namespace, "admin");
        super::with(&snapshot, |paths| paths.to(&Power::Is(account)).is_some())
    };
    assert!(reaches("shop") && !reaches("bank"));
}
