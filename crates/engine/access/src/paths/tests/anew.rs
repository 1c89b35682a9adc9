//! Roles that are made anew for bindings that are there.

use super::named::{object, reached, verbs};
use super::*;

const NONE: [&str; 0] = [];

fn refers(kind: &str, of: &str, role: &str) -> String {
    let namespace = if kind == "RoleBinding" { "bank" } else { "" };
    let rest = format!(r#","roleRef":{{"kind":"{of}","name":"{role}"}},"subjects":[{JANE}]"#);
    object(&format!("{RBAC}/v1"), kind, namespace, "old", &rest)
}

#[test]
fn who_is_bound_to_a_role_that_is_not_there_makes_it() {
    let makes = |resource: &str, all: &[&str], binding: &str| {
        reached("ClusterRole", &verbs(RBAC, resource, all, &[]), &[binding])
    };
    let both = ["escalate", "create"];
    let everywhere = refers("ClusterRoleBinding", "ClusterRole", "gone");
    let there = refers("RoleBinding", "ClusterRole", "gone");
    let own = refers("RoleBinding", "Role", "gone");
    let anew = "escalate-anew cluster-admin";
    assert_eq!(makes("clusterroles", &both, &everywhere), [anew]);
    assert_eq!(makes("clusterroles", &both, &there)[0], "escalate-anew namespace:bank");
    assert_eq!(makes("roles", &both, &own)[0], "escalate-anew-in-namespace namespace:bank");
    assert_eq!(makes("roles", &both, &everywhere), NONE);
    assert_eq!(makes("roles", &both, &there), NONE);
    assert_eq!(makes("clusterroles", &both, &own), NONE);
    for half in both {
        assert_eq!(makes("clusterroles", &[half], &everywhere), NONE, "{half}");
    }
    let is = everywhere.replace("gone", "none");
    assert_eq!(makes("clusterroles", &both, &is), NONE, "it is there");
    // By labels.
    let sum = r#","aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"sum":"true"}}]}"#;
    let sum = object(&format!("{RBAC}/v1"), "ClusterRole", "", "sum", sum);
    let bound = everywhere.replace("gone", "sum");
    let rules = verbs(RBAC, "clusterroles", &both, &[]);
    assert_eq!(reached("ClusterRole", &rules, &[&sum, &bound]), [anew]);
    // What was not read may be there.
    let mut fragment = estate("ClusterRole", &rules, &[&everywhere]);
    fragment.coverage = Coverage::Fragment;
    with(&fragment, |paths| {
        let path = paths.to(&Power::ClusterAdmin).unwrap();
        let condition = path[0].condition.as_deref().unwrap();
        let said = "if there is no ClusterRole gone: ClusterRole objects were not read completely";
        assert_eq!(condition, said);
    });
}

#[test]
fn a_role_is_made_under_the_name_that_rules_have() {
    let makes = |all: &[&str], name: &str| {
        let binding = refers("ClusterRoleBinding", "ClusterRole", "gone");
        reached("ClusterRole", &verbs(RBAC, "clusterroles", all, &[name]), &[&binding])
    };
    for change in ["patch", "update"] {
        assert_eq!(makes(&["escalate", "create", change], "gone"), ["escalate cluster-admin"]);
        assert_eq!(makes(&["escalate", change], "gone"), NONE);
        assert_eq!(makes(&["escalate", "create", change], "other"), NONE);
    }
    assert_eq!(makes(&["escalate", "create"], "gone"), NONE, "created without a name");
    let own = |all: &[&str]| {
        let binding = refers("RoleBinding", "Role", "gone").replace("bank", "shop");
        reached("Role", &verbs(RBAC, "roles", all, &["gone"]), &[&binding])
    };
    let found = own(&["escalate", "create", "patch"]);
    assert_eq!(found[0], "escalate-in-namespace namespace:shop");
    assert_eq!(own(&["escalate", "patch"]), NONE);
    // A part that is not there is selected by nobody.
    let sum = r#","aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"sum":"true"}}]}"#;
    let sum = object(&format!("{RBAC}/v1"), "ClusterRole", "", "sum", sum);
    let bound = refers("ClusterRoleBinding", "ClusterRole", "sum");
    let part = |all: &[&str]| {
        reached("ClusterRole", &verbs(RBAC, "clusterroles", all, &["part"]), &[&sum, &bound])
    };
    assert_eq!(part(&["escalate", "patch"]), NONE);
    assert_eq!(part(&["escalate", "patch", "create"]), ["escalate cluster-admin"]);
}
