//! What admission policies are about: the kind of their parameters, and the resources
//! that their rules name. Who reads a cluster needs such objects as a whole.

use ironhull_model::{Named, Node, Object, object};

/// The group of policies.
pub const GROUP: &str = "admissionregistration.k8s.io";
/// Their kinds.
pub const POLICIES: [&str; 2] = ["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"];

/// Whether objects of a kind are policies.
pub fn is_policy(group: &str, kind: &str) -> bool {
    group == GROUP && POLICIES.contains(&kind)
}

/// What a policy is about; nothing of other objects. A `*` names nothing: that would be
/// everything there is. Rules for other operations than `CREATE` see no object that is
/// there already as if it were new.
pub fn named(object: &Object) -> Named {
    let mut named = Named::default();
    if !is_policy(&object.thing.group, &object.thing.kind) {
        return named;
    }
    let Some(spec) = object.root().get("spec") else { return named };
    if let Some(param) = spec.get("paramKind") {
        let text = |name| param.get(name).and_then(Node::as_str).unwrap_or_default();
        let (group, _) = object::split_api_version(text("apiVersion"));
        named.kinds.insert((group.to_owned(), text("kind").to_owned()));
    }
    let rules = spec.path(&["matchConstraints", "resourceRules"]);
    for rule in rules.into_iter().flat_map(Node::items) {
        let list = |name| rule.get(name).into_iter().flat_map(Node::items).filter_map(Node::as_str);
        if !list("operations").any(|operation| matches!(operation, "CREATE" | "*")) {
            continue;
        }
        for group in list("apiGroups").filter(|group| *group != "*") {
            let own = list("resources").filter(|resource| *resource != "*").filter_map(whole);
            named.resources.extend(own.map(|own| (group.to_owned(), own.to_owned())));
        }
    }
    named
}

/// The resource whose objects themselves, not only subresources, a rule names.
fn whole(resource: &str) -> Option<&str> {
    match resource.split_once('/') {
        None => Some(resource),
        Some((own, "*")) if own != "*" => Some(own),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ironhull_model::Object;

    use super::named;

    #[test]
    fn what_is_named_is_told_and_what_is_not_is_not() {
        let policy = r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy",
            "metadata":{"name":"a"},"spec":{"paramKind":{"apiVersion":"example.dev/v1","kind":"Limit"},
            "matchConstraints":{"resourceRules":[
            {"operations":["CREATE","UPDATE"],"apiGroups":["example.dev","*"],"apiVersions":["*"],"resources":["widgets","*","parts/*","rods/scale"]},
            {"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["events"]},
            {"operations":["DELETE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]}]}}}"#;
        let object = Object::new(serde_json::from_str(policy).unwrap(), None).unwrap();
        let named = named(&object);
        let pair = |group: &str, name: &str| (group.to_owned(), name.to_owned());
        assert_eq!(named.kinds, [pair("example.dev", "Limit")].into());
        let resources =
            [pair("", "events"), pair("example.dev", "parts"), pair("example.dev", "widgets")];
        assert_eq!(named.resources, resources.into());
    }
}
