//! What nodes hold besides the tokens of their pods.

use super::named::{object, of, reached};
use super::*;

/// A pod of no account that runs on a node and names a Secret.
pub(super) fn mounts(name: &str, node: &str, secret: &str) -> String {
    let volume = format!(r#"{{"name":"v","secret":{{"secretName":"{secret}"}}}}"#);
    let spec = format!(r#","spec":{{"nodeName":"{node}","volumes":[{volume}]}}"#);
    object("v1", "Pod", "shop", name, &spec)
}

fn secrets(found: &[String]) -> Vec<&str> {
    let found = found.iter().map(String::as_str);
    found.filter(|found| found.contains("secret")).collect()
}

#[test]
fn who_acts_as_a_node_reads_the_secrets_of_its_pods() {
    let name = "authentication.k8s.io";
    let acts = |names: &[&str]| rule(name, "nodes", "impersonate:arbitrary-node", names);
    let reads = |verb: &str| rule("", "secrets", &format!("impersonate-on:{verb}"), &[]);
    let get = reads("arbitrary-node:get");
    let annotation = r#","metadata":{"name":"t","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"admin"}},"type":"kubernetes.io/service-account-token""#;
    let token = format!(r#"{{"apiVersion":"v1","kind":"Secret"{annotation}}}"#);
    let (db, held) = (mounts("a", "n1", "db"), mounts("b", "n2", "t"));
    let is = |rules: &[String], more: &[&str], minor: Minor| {
        let mut snapshot = estate("ClusterRole", rules, more);
        snapshot.minor = minor;
        let found = of(&Subject::user("jane"), &snapshot);
        secrets(&found).join(", ")
    };
    let newest = |rules: &[String], more: &[&str]| is(rules, more, Minor::NEWEST);
    let told = "constrained-node-secrets secrets-of-pods:shop";
    for verb in ["get", "list", "watch"] {
        let rules = [acts(&[]), reads(&format!("arbitrary-node:{verb}"))];
        assert_eq!(newest(&rules, &[&db]), told);
    }
    assert_eq!(newest(&[acts(&["n1"]), get.clone()], &[&db]), told);
    assert_eq!(newest(&[acts(&["n2"]), get.clone()], &[&db]), "", "another node");
    assert_eq!(newest(&[acts(&[]), get.clone()], &[]), "", "no pod names any");
    assert_eq!(newest(&[acts(&[]), reads("associated-node:get")], &[&db]), "");
    assert_eq!(newest(&[acts(&[])], &[&db]), "");
    assert_eq!(newest(std::slice::from_ref(&get), &[&db]), "");
    assert_eq!(is(&[acts(&[]), get.clone()], &[&db], Minor::v1(35)), "");
    // A token among them is its account.
    let mut snapshot = estate("ClusterRole", &[acts(&["n2"]), get.clone()], &[&held, &token]);
    snapshot.minor = Minor::NEWEST;
    let path = "constrained-node-secrets, everything to cluster-admin";
    assert!(of(&Subject::user("jane"), &snapshot).contains(&path.to_owned()));
    let mut snapshot = estate("ClusterRole", &[acts(&["n1"]), get], &[&db, &held, &token]);
    snapshot.minor = Minor::NEWEST;
    assert!(!of(&Subject::user("jane"), &snapshot).contains(&path.to_owned()));
}

#[test]
fn who_acts_as_the_node_of_his_pod_reads_the_secrets_there() {
    let name = "authentication.k8s.io";
    let rules = [
        rule(name, "nodes", "impersonate:associated-node", &["*"]),
        rule("", "secrets", "impersonate-on:associated-node:get", &[]),
    ];
    let agent = r#"{"kind":"ServiceAccount","namespace":"shop","name":"agent"}"#;
    let own = r#","spec":{"serviceAccountName":"agent","nodeName":"n1"}"#;
    let own = object("v1", "Pod", "shop", "agent", own);
    let is = |node: &str| {
        let rbac = bound("ClusterRole", "acts", &rules, agent);
        let db = mounts("a", node, "db");
        let mut snapshot = estate("Role", &[], &[&own, &db, &rbac[0], &rbac[1]]);
        snapshot.minor = Minor::NEWEST;
        let found = of(&Subject::account("shop", "agent"), &snapshot);
        secrets(&found).join(", ")
    };
    assert_eq!(is("n1"), "constrained-own-node-secrets secrets-of-pods:shop");
    assert_eq!(is("n2"), "");
}

#[test]
fn who_has_a_kubelets_certificate_signed_reads_the_secrets_of_pods() {
    let of_certificates = |resource: &str, verb: &str, names: &[&str]| {
        rule("certificates.k8s.io", resource, verb, names)
    };
    let signer = "kubernetes.io/kube-apiserver-client-kubelet";
    let rules = [
        of_certificates("certificatesigningrequests", "create", &[]),
        of_certificates("certificatesigningrequests/approval", "update", &[]),
        of_certificates("signers", "approve", &[signer]),
    ];
    let snapshot = estate("ClusterRole", &rules, &[&mounts("a", "n1", "db")]);
    let found = of(&Subject::user("jane"), &snapshot);
    assert_eq!(secrets(&found), ["approve-kubelet secrets-of-pods:shop"]);
    let found = of(&Subject::User("system:node:n1".to_owned()), &snapshot);
    assert_eq!(secrets(&found), ["node-secrets secrets-of-pods:shop"]);
    assert!(of(&Subject::User("system:node:n2".to_owned()), &snapshot).is_empty());
}

#[test]
fn who_has_the_nodes_reads_the_secrets_of_their_pods() {
    let token = r#"{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"name":"db","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"admin"}}}"#;
    let proxy = [rule("", "nodes/proxy", "get", &[])];
    let to = |more: &[&str], power: &Power| {
        with(&estate("ClusterRole", &proxy, more), |paths| {
            let path = paths.to(power)?;
            Some(path.iter().map(|step| step.way.id).collect::<Vec<_>>())
        })
    };
    let mounts = mounts("mounts", "n1", "db");
    let secrets = Power::SecretsOfPods("shop".to_owned());
    assert_eq!(to(&[&mounts], &secrets).unwrap(), ["nodes-proxy", "node-secrets"]);
    assert_eq!(to(&[], &secrets), None);
    let all = ["nodes-proxy", "node-secrets", "everything"];
    assert_eq!(to(&[&mounts, token], &Power::ClusterAdmin).unwrap(), all);
}

/// A token Secret that a container holds is a token in it.
#[test]
fn who_is_in_a_container_has_the_tokens_that_it_holds() {
    let token = r#"{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"name":"t","namespace":"shop","annotations":{"kubernetes.io/service-account.name":"admin"}}}"#;
    let variable = |source: &str| {
        format!(r#","containers":[{{"name":"c","env":[{{"name":"T","valueFrom":{{{source}}}}}]}}]"#)
    };
    let volume = |source: &str| format!(r#","volumes":[{{"name":"v",{source}}}]"#);
    let admin = |resource: &str, names: &[&str], more: &str| {
        let spec = format!(
            r#","spec":{{"serviceAccountName":"bare","nodeName":"n1","automountServiceAccountToken":false{more}}}"#
        );
        let pod = object("v1", "Pod", "shop", "holds", &spec);
        let found = reached("ClusterRole", &[rule("", resource, "create", names)], &[token, &pod]);
        found.iter().any(|found| found.ends_with(" sa:shop/admin"))
    };
    let holding = [
        variable(r#""secretKeyRef":{"name":"t","key":"token"}"#),
        r#","initContainers":[{"name":"c","envFrom":[{"secretRef":{"name":"t"}}]}]"#.to_owned(),
        volume(r#""secret":{"secretName":"t"}"#),
        volume(r#""projected":{"sources":[{"secret":{"name":"t"}}]}"#),
    ];
    for more in &holding {
        assert!(admin("pods/exec", &[], more), "{more}");
        assert!(admin("pods/exec", &["holds"], more), "{more}");
        assert!(admin("nodes/proxy", &["n1"], more), "{more}");
        assert!(!admin("pods/exec", &["p"], more), "{more}");
    }
    for other in [
        String::new(),
        volume(r#""secret":{"secretName":"other"}"#),
        r#","imagePullSecrets":[{"name":"t"}]"#.to_owned(),
        volume(r#""csi":{"driver":"d","nodePublishSecretRef":{"name":"t"}}"#),
    ] {
        assert!(!admin("pods/exec", &[], &other), "{other}");
    }
}

#[test]
fn who_is_in_a_container_has_the_secrets_that_it_holds() {
    let volume = r#","spec":{"volumes":[{"name":"v","secret":{"secretName":"db"}}]}"#;
    let pod = object("v1", "Pod", "shop", "holds", volume);
    let web = volume.replace(r#""spec":{"#, r#""spec":{"template":{"spec":{"#) + "}}";
    let web = object("apps/v1", "Deployment", "bank", "web", &web);
    let secrets = |kind: &str, verb: &str, resource: &str, names: &[&str]| {
        let mut found = reached(kind, &[rule("", resource, verb, names)], &[&pod, &web]);
        found.retain(|found| found.contains("secrets"));
        found
    };
    let (shop, bank) = ("exec secrets-of-pods:shop", "exec secrets-of-pods:bank");
    assert_eq!(secrets("ClusterRole", "create", "pods/exec", &[]), [bank, shop]);
    assert_eq!(secrets("Role", "create", "pods/attach", &[]), [shop]);
    for kind in ["Role", "ClusterRole"] {
        assert_eq!(secrets(kind, "create", "pods/exec", &["holds"]), [shop]);
        assert_eq!(
            secrets(kind, "patch", "pods", &["holds"]),
            ["change-pods secrets-of-pods:shop"]
        );
        assert_eq!(secrets(kind, "create", "pods/exec", &["p"]), [""; 0]);
        assert_eq!(secrets(kind, "create", "pods/portforward", &[]), [""; 0]);
    }
}
