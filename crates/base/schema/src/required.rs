//! Fields that a schema requires and an object lacks.

use ironhull_model::{Node, Pointer};

use crate::{FieldType, Schema, TypeId};

/// The required fields that an object of a known kind lacks; none for kinds
/// without schema.
pub fn missing(schema: Schema, root: Node<'_>) -> Option<Vec<Pointer>> {
    let api_version = root.get("apiVersion")?.as_str()?;
    let (group, version) = ironhull_model::object::split_api_version(api_version);
    let info = schema.kind(group, version, root.get("kind")?.as_str()?)?;
    let mut missing = Vec::new();
    object(schema, info.ty, root, &mut missing);
    Some(missing)
}

fn object(schema: Schema, ty: TypeId, node: Node<'_>, missing: &mut Vec<Pointer>) {
    for field in schema.fields(ty) {
        match node.get(field.name).filter(|child| !child.is_null()) {
            Some(child) => value(schema, &field.ty, child, missing),
            None if field.required => missing.push(node.pointer().join(field.name)),
            None => {}
        }
    }
}

fn value(schema: Schema, ty: &FieldType, node: Node<'_>, missing: &mut Vec<Pointer>) {
    match ty {
        FieldType::Type(ty) => object(schema, *ty, node, missing),
        FieldType::List(item) | FieldType::Map(item) => {
            node.items().for_each(|child| value(schema, item, child, missing));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::missing;
    use crate::Schema;
    use ironhull_model::{Minor, Value};

    #[test]
    fn required_fields_are_named_where_they_lack() {
        let json = r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"a"},"webhooks":[{"name":"w","clientConfig":{}}]}"#;
        let value: Value = serde_json::from_str(json).unwrap();
        let lacks = missing(Schema::of(Minor::NEWEST), value.root()).unwrap();
        let lacks: Vec<&str> = lacks.iter().map(|pointer| pointer.as_str()).collect();
        assert_eq!(lacks, ["/webhooks/0/admissionReviewVersions", "/webhooks/0/sideEffects"]);
    }
}
