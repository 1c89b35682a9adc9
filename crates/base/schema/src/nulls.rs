//! Members that are null: to the API server they are absent, as its types have no
//! null. Only fields that a schema knows are looked at; custom resources may mean it.

use ironhull_model::{Builder, Kind, Node, Value};

use crate::{FieldType, Schema, TypeId};

/// The object without null members; none when it has none to lose.
pub fn without(schema: Schema, value: &Value) -> Option<Value> {
    let root = value.root();
    let api_version = root.get("apiVersion")?.as_str()?;
    let (group, version) = ironhull_model::object::split_api_version(api_version);
    let kind = root.get("kind")?.as_str()?;
    // Kinds of a version that ended are as those that follow.
    let info =
        schema.kind(group, version, kind).or_else(|| schema.kind_any_version(group, kind))?;
    if !has_null(root) {
        return None;
    }
    let builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    let mut copy = Copy { schema, builder };
    copy.object(info.ty, root);
    Some(copy.builder.finish())
}

fn has_null(node: Node<'_>) -> bool {
    node.is_null() || node.items().any(has_null)
}

struct Copy {
    schema: Schema,
    builder: Builder,
}

impl Copy {
    fn object(&mut self, ty: TypeId, node: Node<'_>) {
        if node.kind() != Kind::Map {
            return self.builder.copy(node);
        }
        self.builder.begin_like(node);
        for (name, child) in node.entries() {
            let field = self.schema.field(ty, name);
            if child.is_null() && field.is_some() {
                continue;
            }
            self.builder.key(name, child.span().unwrap_or_default().key);
            match field {
                Some(field) => self.value(&field.ty, child),
                None => self.builder.copy(child),
            }
        }
        self.builder.end(node.span().unwrap_or_default().end);
    }

    fn value(&mut self, ty: &FieldType, node: Node<'_>) {
        match (ty, node.kind()) {
            (FieldType::Type(ty), _) => self.object(*ty, node),
            (FieldType::List(item), Kind::List) => {
                self.builder.begin_like(node);
                node.items().for_each(|child| self.value(item, child));
                self.builder.end(node.span().unwrap_or_default().end);
            }
            _ => self.builder.copy(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without;
    use crate::Schema;
    use ironhull_model::{Minor, Value};

    fn check(before: &str, after: Option<&str>) {
        let value: Value = serde_json::from_str(before).unwrap();
        let got = without(Schema::of(Minor::NEWEST), &value).map(|value| value.root().to_json());
        assert_eq!(got.as_deref(), after);
    }

    #[test]
    fn null_is_absent_where_the_schema_knows_the_field() {
        check(
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":null},"spec":{"containers":[{"name":"c","env":null,"command":["x"]}],"volumes":null}}"#,
            Some(
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","command":["x"]}]}}"#,
            ),
        );
        check(
            r#"{"apiVersion":"v1","kind":"Pod","spec":{"misspelt":null}}"#,
            Some(r#"{"apiVersion":"v1","kind":"Pod","spec":{"misspelt":null}}"#),
        );
        check(r#"{"apiVersion":"v1","kind":"Pod","spec":{}}"#, None);
        check(r#"{"apiVersion":"example.com/v1","kind":"Thing","spec":null}"#, None);
    }
}
