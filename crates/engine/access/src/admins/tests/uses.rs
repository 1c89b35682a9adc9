//! Which requests needed it.

use super::*;
use crate::usage::Used;

/// A use is of the right that lets the request pass, not of one beside it.
#[test]
fn a_use_is_of_the_right_that_allows_it() {
    let jane = [user("jane")];
    let deploys = rule("apps", &["deployments"], &["create"]);
    let objects = [
        bound("boss", "", ("ClusterRole", "cluster-admin"), &[boss()]),
        role("Role", "pods", "shop", &[rule("", &["pods"], &["create"])]),
        bound("a-pods", "shop", ("Role", "pods"), &jane),
        role("Role", "deploys", "shop", &[deploys]),
        bound("b-deploys", "shop", ("Role", "deploys"), &jane),
        role("Role", "exec", "shop", &[rule("", &["pods/exec"], &["get", "create"])]),
        bound("c-exec", "shop", ("Role", "exec"), &jane),
        pod_of_boss(),
    ];
    let by = |minor: Minor, used: Used<'_>| {
        let snapshot = estate(minor, &objects);
        let access = Access::new(World::new(&snapshot));
        let admins = Admins::new(&access);
        let subject = Subject::user("jane");
        let needed = admins.needed(&subject, &Identity::of(&subject), &used)?;
        let binding = needed.by.map(|(binding, _)| binding.object.thing.name.to_string());
        Some((needed.way.id, binding.unwrap_or_default()))
    };
    let used = |verb, group, resource, subresource| Used::Resource {
        verb,
        group,
        resource,
        subresource,
        namespace: Some("shop"),
        name: "x",
    };
    let newest = |used| by(Minor::NEWEST, used);
    let of = |way, binding: &str| Some((way, binding.to_owned()));
    assert_eq!(newest(used("create", "", "pods", "")), of("run-pods", "a-pods"));
    assert_eq!(newest(used("create", "apps", "deployments", "")), of("run-pods", "b-deploys"));
    let get = used("get", "", "pods", "exec");
    assert_eq!(newest(used("create", "", "pods", "exec")), of("exec", "c-exec"));
    assert_eq!(newest(get), None);
    assert_eq!(by(Minor::v1(34), get), of("exec-by-get", "c-exec"));
    assert_eq!(newest(used("list", "", "pods", "")), None);
    assert_eq!(get.asked_besides(Minor::v1(34)), None);
    assert_eq!(get.asked_besides(Minor::v1(35)), Some(used("create", "", "pods", "exec")));
    assert_eq!(used("get", "", "pods", "log").asked_besides(Minor::v1(35)), None);
}

/// Acting as somebody by constrained impersonation is a use where it leads on.
#[test]
fn a_use_of_constrained_impersonation_is_known_by_its_verb() {
    let robot = json!({"kind": "ServiceAccount", "namespace": "shop", "name": "robot"});
    let of_name = "authentication.k8s.io";
    let acts = rule(of_name, &["serviceaccounts"], &["impersonate:serviceaccount"]);
    let creates =
        |resource: &str| rule(RBAC, &[resource], &["impersonate-on:serviceaccount:create"]);
    let needed = |name: &str, resource: &str| {
        let objects = [
            bound("boss", "", ("ClusterRole", "cluster-admin"), &[boss()]),
            bound("robot", "", ("ClusterRole", "view"), std::slice::from_ref(&robot)),
            role("ClusterRole", "acts", "", &[acts.clone(), creates(resource)]),
            bound("acts", "", ("ClusterRole", "acts"), &[user("jane")]),
        ];
        let snapshot = estate(Minor::NEWEST, &objects);
        let access = Access::new(World::new(&snapshot));
        let jane = Subject::user("jane");
        let used = Used::Resource {
            verb: "impersonate:serviceaccount",
            group: of_name,
            resource: "serviceaccounts",
            subresource: "",
            namespace: Some("shop"),
            name,
        };
        let admins = Admins::new(&access);
        admins.needed(&jane, &Identity::of(&jane), &used).map(|needed| needed.way.id)
    };
    assert_eq!(needed("boss", "clusterrolebindings"), Some("constrained-account"));
    assert_eq!(needed("robot", "clusterrolebindings"), None);
    assert_eq!(needed("boss", "roles"), None);
}
