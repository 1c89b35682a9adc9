use super::{FieldType, Schema, Scope, defaults, strict};
use ironhull_model::{Minor, Value};

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
fn kinds_fields_and_types_are_known_by_minor() {
    let schema = Schema::of(Minor::NEWEST);
    let deployment = schema.kind("apps", "v1", "Deployment").unwrap();
    assert_eq!((deployment.scope, deployment.resource), (Scope::Namespaced, "deployments"));
    let container = schema.type_named("io.k8s.api.core.v1.Container").unwrap();
    let ports = schema.field(container, "ports").unwrap();
    assert_eq!(ports.keys, ["containerPort", "protocol"]);
    assert!(matches!(ports.ty, FieldType::List(_)));
    assert_eq!(schema.preferred_api_version("CronJob").as_deref(), Some("batch/v1"));
    assert_eq!(schema.preferred_group("Event"), Some(""));
    assert!(schema.kind("batch", "v1beta1", "CronJob").is_none());
    assert_eq!(Schema::of(Minor::v1(20)).minor(), Minor::v1(34));
}

#[test]
fn strict_decoding_names_what_it_refuses() {
    let pod = value(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":1,"imagepullpolicy":"Always"}],"hostNetwork":"yes"}}"#,
    );
    let errors = strict::check(Schema::of(Minor::NEWEST), pod.root()).unwrap();
    let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "spec.containers[0].image must be a string, not an integer",
            "unknown field \"spec.containers[0].imagepullpolicy\"; field names are case-sensitive: imagePullPolicy",
            "spec.hostNetwork must be a boolean, not a string",
        ]
    );
}

#[test]
fn a_deployment_is_defaulted() {
    let given = value(
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{"selector":{},"template":{"spec":{"containers":[{"name":"c","image":"a","ports":[{"containerPort":80}]}]}}}}"#,
    );
    let after = defaults::apply(Schema::of(Minor::NEWEST), &given);
    let spec = after.root().get("spec").unwrap();
    assert_eq!(spec.get("replicas").unwrap().as_i64(), Some(1));
    assert!(spec.get("replicas").unwrap().is_defaulted());
    let container = spec.path(&["template", "spec", "containers"]).unwrap().item(0).unwrap();
    assert_eq!(container.get("imagePullPolicy").unwrap().as_str(), Some("Always"));
    assert_eq!(
        container.get("ports").unwrap().item(0).unwrap().get("protocol").unwrap().as_str(),
        Some("TCP")
    );
    assert_eq!(
        spec.path(&["strategy", "rollingUpdate", "maxSurge"]).unwrap().as_str(),
        Some("25%")
    );
    assert_eq!(
        defaults::apply(Schema::of(Minor::NEWEST), &after),
        after,
        "defaulting is idempotent"
    );
}

#[test]
fn removed_kinds_keep_their_pod_templates() {
    let schema = Schema::of(Minor::NEWEST);
    for (group, version, kind) in [
        ("extensions", "v1beta1", "Deployment"),
        ("extensions", "v1beta1", "DaemonSet"),
        ("extensions", "v1beta1", "ReplicaSet"),
        ("apps", "v1beta1", "Deployment"),
        ("apps", "v1beta1", "StatefulSet"),
        ("apps", "v1beta2", "DaemonSet"),
        ("apps", "v1beta2", "ReplicaSet"),
        ("batch", "v1beta1", "CronJob"),
    ] {
        assert!(schema.kind(group, version, kind).is_none(), "{group}/{version} {kind}");
        assert!(super::removed::lookup(group, version, kind).is_some(), "{group}/{version} {kind}");
        let template = super::template_path(group, kind).unwrap();
        let pod =
            format!("{}{}{}", r#"{"spec":{"template":"#, r#"{"spec":{"hostPID":true}}"#, "}}");
        let pod =
            if kind == "CronJob" { format!(r#"{{"spec":{{"jobTemplate":{pod}}}}}"#) } else { pod };
        let value = value(&pod);
        let spec = schema.pod_spec(group, kind, value.root()).unwrap();
        assert_eq!(spec.get("hostPID").unwrap().as_bool(), Some(true), "{template:?}");
        assert!(spec.get("hostPID").unwrap().parent().is_some());
        let given = format!(r#"{{"apiVersion":"{group}/{version}","kind":"{kind}",{}"#, &pod[1..]);
        let given: Value = serde_json::from_str(&given).unwrap();
        let after = defaults::apply(schema, &given);
        let spec = schema.pod_spec(group, kind, after.root()).unwrap();
        assert_eq!(spec.get("restartPolicy").unwrap().as_str(), Some("Always"));
    }
}
