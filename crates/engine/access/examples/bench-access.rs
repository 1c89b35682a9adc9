//! How many questions a second are answered over 400 namespaces of RBAC and the
//! roles that every cluster has:
//! `cargo run --release -p ironhull-access --example bench-access`.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints and may fail")]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ironhull_access::{Access, Admins, Escalation, Identity, Power, Question, Subject};
use ironhull_model::{Coverage, Minor, Object, Snapshot, World};

const N_NAMESPACES: usize = 400;
const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn binding(kind: &str, name: &str, namespace: &str, role: &str, subject: &str) -> String {
    format!(
        r#"{{"apiVersion":"{RBAC}","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}},"roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{role}"}},"subjects":[{subject}]}}"#
    )
}

/// `n` who come to cluster-admin: ServiceAccounts that are bound to it, and people who are
/// bound to it, rewrite roles, act as others, or take tokens.
fn admins(n: usize) -> Snapshot {
    let role = |name: &str, group: &str, resource: &str, verbs: &str| {
        format!(
            r#"{{"apiVersion":"{RBAC}","kind":"ClusterRole","metadata":{{"name":"{name}"}},"rules":[{{"apiGroups":["{group}"],"resources":["{resource}"],"verbs":[{verbs}]}}]}}"#
        )
    };
    let mut texts = vec![
        role("rewrites", "rbac.authorization.k8s.io", "clusterroles", r#""update","escalate""#),
        role("acts", "", "users", r#""impersonate""#),
        role("tokens", "", "serviceaccounts/token", r#""create""#),
    ];
    for number in 0..n / 2 {
        let role = ["cluster-admin", "rewrites", "acts", "tokens"][number % 4];
        let user = format!(r#"{{"kind":"User","name":"user-{number}"}}"#);
        texts.push(binding("ClusterRoleBinding", &format!("u{number}"), "", role, &user));
        let account = format!(
            r#"{{"kind":"ServiceAccount","namespace":"team-{}","name":"ci-{number}"}}"#,
            number / 10
        );
        texts.push(binding(
            "ClusterRoleBinding",
            &format!("a{number}"),
            "",
            "cluster-admin",
            &account,
        ));
    }
    sealed(&texts)
}

/// `n` people whose rights are limited to names, and lead to cluster-admin: to change, enter
/// or make a workload beside a powerful ServiceAccount, to read its token, to bind its role.
fn named(n: usize) -> Snapshot {
    let mut texts = vec![binding("ClusterRoleBinding", "old", "", "cluster-admin", "")];
    for number in 0..n {
        let namespace = format!("team-{}", number / 5);
        let name = format!("it-{number}");
        let (group, resource, verbs, object) = [
            ("apps", "deployments", r#""patch""#, "Deployment"),
            ("", "pods/exec", r#""create""#, "Pod"),
            ("", "pods", r#""create","patch""#, ""),
            ("", "secrets", r#""get""#, "Secret"),
            ("rbac.authorization.k8s.io", "rolebindings", r#""create","patch""#, ""),
        ][number % 5];
        let bind = match object {
            "" => {
                r#",{"apiGroups":["rbac.authorization.k8s.io"],"resources":["clusterroles"],"resourceNames":["cluster-admin"],"verbs":["bind"]}"#
            }
            _ => "",
        };
        texts.push(format!(
            r#"{{"apiVersion":"{RBAC}","kind":"ClusterRole","metadata":{{"name":"r{number}"}},"rules":[{{"apiGroups":["{group}"],"resources":["{resource}"],"resourceNames":["{name}"],"verbs":[{verbs}]}}{bind}]}}"#
        ));
        let user = format!(r#"{{"kind":"User","name":"user-{number}"}}"#);
        let own = format!("b{number}");
        texts.push(binding("RoleBinding", &own, &namespace, &format!("r{number}"), &user));
        let meta = format!(
            r#""metadata":{{"name":"{name}","namespace":"{namespace}","annotations":{{"kubernetes.io/service-account.name":"boss"}}}}"#
        );
        let api = if object == "Deployment" { "apps/v1" } else { "v1" };
        let more = match object {
            "Secret" => r#""type":"kubernetes.io/service-account-token""#,
            _ => r#""spec":{"serviceAccountName":"boss","nodeName":"n"}"#,
        };
        if !object.is_empty() {
            texts.push(format!(r#"{{"apiVersion":"{api}","kind":"{object}",{meta},{more}}}"#));
        }
        if number % 5 == 0 {
            let boss =
                format!(r#"{{"kind":"ServiceAccount","namespace":"{namespace}","name":"boss"}}"#);
            let own = format!("boss-{number}");
            texts.push(binding("ClusterRoleBinding", &own, "", "cluster-admin", &boss));
        }
    }
    let mut snapshot = sealed(&texts);
    snapshot.coverage = Coverage::Complete;
    snapshot
}

/// How long it takes to know everybody who is as good as cluster-admin.
fn print_admins() {
    for (how, by_name) in [("", false), (" by name", true)] {
        for n in [500, 1000, 2000, 4000] {
            let snapshot = if by_name { named(n) } else { admins(n) };
            let access = Access::new(World::new(&snapshot));
            let start = Instant::now();
            let n_found = Admins::new(&access).all().len();
            let taken = start.elapsed().as_secs_f64() * 1000.0;
            println!("{n_found} as good as cluster-admin{how}, with their ways, in {taken:.1} ms");
        }
    }
}

fn estate() -> Snapshot {
    let mut texts = Vec::new();
    for number in 0..N_NAMESPACES {
        let namespace = format!("team-{number}");
        let group = format!(r#"{{"kind":"Group","name":"{namespace}"}}"#);
        let account =
            format!(r#"{{"kind":"ServiceAccount","namespace":"{namespace}","name":"deployer"}}"#);
        texts.push(binding("RoleBinding", "team", &namespace, "admin", &group));
        texts.push(binding("RoleBinding", "deploy", &namespace, "edit", &account));
        texts.push(binding(
            "RoleBinding",
            "look",
            &namespace,
            "view",
            r#"{"kind":"Group","name":"audit"}"#,
        ));
        texts.push(binding("ClusterRoleBinding", &namespace, "", "system:monitoring", &account));
        let mut rules = String::new();
        for resource in ["configmaps", "secrets", "leases"] {
            _ = write!(
                rules,
                r#"{{"apiGroups":["","coordination.k8s.io"],"resources":["{resource}"],"resourceNames":["own"],"verbs":["get","update"]}},"#
            );
        }
        texts.push(format!(
            r#"{{"apiVersion":"{RBAC}","kind":"Role","metadata":{{"name":"own","namespace":"{namespace}"}},"rules":[{}]}}"#,
            rules.trim_end_matches(',')
        ));
    }
    sealed(&texts)
}

/// These objects, and the roles that every cluster has.
fn sealed(texts: &[String]) -> Snapshot {
    let mut snapshot = Snapshot::new(Minor::NEWEST);
    let values = texts.iter().map(|text| serde_json::from_str(text).expect("JSON"));
    let defaults = ironhull_schema::rbac::defaults(snapshot.minor);
    let objects = values.chain(defaults).filter_map(|value| Object::new(value, None));
    snapshot.objects = objects.map(Arc::new).collect();
    snapshot.seal();
    snapshot
}

fn main() {
    let snapshot = estate();
    let start = Instant::now();
    let access = Access::new(World::new(&snapshot));
    let built = start.elapsed();
    println!(
        "{} roles, {} bindings, indexed in {:.1} ms",
        access.roles().len(),
        access.bindings().len(),
        built.as_secs_f64() * 1000.0
    );
    let spaces: Vec<String> = (0..N_NAMESPACES).map(|number| format!("team-{number}")).collect();
    let mut asked = Vec::new();
    for (number, namespace) in spaces.iter().enumerate() {
        let member = Identity::of(&Subject::user("jane")).with_groups([&**namespace, "audit"]);
        let account = Identity::of(&Subject::account(namespace, "deployer"));
        let here = Some(&**namespace);
        let there = Some(&*spaces[(number + 1) % N_NAMESPACES]);
        let get = Question { namespace: here, name: "own", ..Question::new("get", "", "secrets") };
        let create = Question { namespace: here, ..Question::new("create", "apps", "deployments") };
        let scale = Question { verb: "update", subresource: "scale", name: "web", ..create };
        for who in [&member, &account] {
            asked.extend([
                (who.clone(), get),
                (who.clone(), create),
                (who.clone(), scale),
                (who.clone(), Question { namespace: there, ..get }),
                (who.clone(), Question { namespace: there, verb: "list", ..create }),
                (who.clone(), Question { namespace: None, ..Question::new("list", "", "nodes") }),
            ]);
        }
    }
    let start = Instant::now();
    let escalation = Escalation::new(&access);
    let everybody = escalation.everybody_to(&Power::ClusterAdmin);
    let n_admins =
        escalation.subjects().filter(|subject| everybody.path(subject).is_some()).count();
    println!(
        "{n_admins} of {} subjects come to cluster-admin, found in {:.1} ms",
        escalation.subjects().count(),
        start.elapsed().as_secs_f64() * 1000.0
    );
    print_admins();
    let rounds = 400;
    let (mut allowed, mut total, mut best) = (0, 0.0, f64::MAX);
    for _ in 0..rounds {
        let start = Instant::now();
        allowed +=
            asked.iter().filter(|(who, question)| access.can(who, black_box(question))).count();
        let elapsed = start.elapsed().as_secs_f64();
        total += elapsed;
        best = best.min(elapsed);
    }
    let n = asked.len();
    println!(
        "{} questions, {:.0} % allowed, {:.2} million a second; {:.2} in the best of {rounds} rounds",
        n * rounds,
        allowed as f64 * 100.0 / (n * rounds) as f64,
        (n * rounds) as f64 / total / 1e6,
        n as f64 / best / 1e6
    );
}
