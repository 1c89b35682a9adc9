use std::sync::Arc;

use ironhull_model::{Code, Object, SourceId, Value};

use super::{Structural, complete, is_custom, served, unknown_fields, validate};

fn value(text: &str) -> Value {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    parsed.documents.into_iter().next().unwrap().value
}

fn object(text: &str) -> Arc<Object> {
    Arc::new(Object::new(value(text), None).unwrap())
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.light.example}
spec:
  group: light.example
  names: {kind: Lamp, plural: lamps}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            properties:
              watts: {type: integer, minimum: 1, default: 5}
              colour: {type: string, enum: [warm, cold]}
";

#[test]
fn a_custom_resource_is_completed_and_judged_by_its_definition() {
    let lamp = object(
        "apiVersion: light.example/v1\nkind: Lamp\nmetadata: {name: a}\nspec: {colour: red, wat: 1}",
    );
    let mut objects = vec![object(DEFINITION), lamp];
    assert!(complete(&mut objects).is_empty());
    let lamp = objects[1].root();
    let watts = lamp.path(&["spec", "watts"]).unwrap();
    assert!(watts.as_i64() == Some(5) && watts.is_defaulted());
    let served = served(objects[0].root(), "light.example", "v1", "Lamp").unwrap();
    let schema = Structural::read(served.schema.unwrap());
    let problems = validate(&schema, lamp, &|_, _| Some(true));
    assert_eq!(
        problems.iter().map(super::Problem::text).collect::<Vec<_>>(),
        [r#"spec.colour: Unsupported value: "red": supported values: "warm", "cold""#]
    );
    assert_eq!(unknown_fields(&schema, lamp)[0].1, "spec.wat");
}

#[test]
fn kinds_without_definition_are_told_once() {
    let lamp = |name: &str| {
        object(&format!("apiVersion: light.example/v1\nkind: Lamp\nmetadata: {{name: {name}}}"))
    };
    let mut objects =
        vec![lamp("a"), lamp("b"), object("apiVersion: v1\nkind: Pod\nmetadata: {name: a}")];
    let told = complete(&mut objects);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].code, Code::NoDefinition);
    assert!(told[0].message.contains("Lamp/a and 1 more"), "{}", told[0].message);
    assert!(is_custom("light.example", "Lamp") && !is_custom("apps", "Deployment"));
    assert!(!is_custom("extensions", "Ingress") && !is_custom("policy", "PodSecurityPolicy"));
}
