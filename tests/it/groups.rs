//! Many groups at once: a real API server asks for the name `*` of them, and the product
//! tells who has it as one who may be in every group.

use ironhull_testkit::cluster::{Cluster, User};
use serde_json::{Value, json};

use super::escalations::{named, way_to};
use super::impersonation::{access, give, grant, rule, settles, user};

const AUTHENTICATION: &str = "authentication.k8s.io";

#[test]
fn who_is_in_many_groups_at_once_is_in_any() {
    let Some(cluster) = Cluster::shared() else { return };
    let name = cluster.namespace("groups");
    let (stan, who) = (User::named(&name, &[]), format!("user:{name}"));
    let team = format!("{name}-team");
    let reads = [rule("", &["secrets"], &["list"])];
    cluster.create_all(&grant(&team, None, &reads, &json!({"kind": "Group", "name": team})));
    let lists = |groups: &[&str]| {
        let mut headers = vec![("Impersonate-User", "bob")];
        headers.extend(groups.iter().map(|group| ("Impersonate-Group", *group)));
        cluster.get(&stan.clone().with_headers(&headers), "/api/v1/secrets").status
    };
    let acts = |resource: &str, name: &str| {
        named(rule(AUTHENTICATION, &[resource], &["impersonate:user-info"]), name)
    };
    let sends = rule("", &["secrets"], &["impersonate-on:user-info:list"]);
    let rules = |group: &str| [acts("groups", group), acts("users", "bob"), sends.clone()];
    let way = || way_to(cluster, &who, "secrets");
    let many = ["g1", "g2", "g3", &team];
    give(cluster, &name, &user(&name), &rules("*"));
    settles(cluster, 200, || lists(&many));
    assert_eq!(lists(&[&team]), 403, "of fewer each is asked for by its name");
    assert_eq!(lists(&["g1", "g2", "g3", "system:masters"]), 403);
    assert_eq!(way(), "constrained-group");
    let can = ["who-can", "impersonate:user-info", "groups", "--name", &team, "cluster:"];
    assert!(access(cluster, &can).stdout.contains(&who));
    give(cluster, &name, &user(&name), &rules("g1"));
    settles(cluster, 403, || lists(&many));
    assert_eq!(way(), Value::Null);
    assert!(!access(cluster, &can).stdout.contains(&who));
}
