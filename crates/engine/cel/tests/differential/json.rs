//! JSON as values of documents.

use ironhull_model::{Builder, Value};

/// The value that JSON stands for.
pub(crate) fn value(json: &serde_json::Value) -> Value {
    let mut builder = Builder::new();
    build(json, &mut builder);
    builder.finish()
}

fn build(json: &serde_json::Value, builder: &mut Builder) {
    match json {
        serde_json::Value::Null => builder.null(0, 0),
        serde_json::Value::Bool(value) => builder.bool(*value, 0, 0),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(value) => builder.int(value, 0, 0),
            None => builder.float(number.as_f64().unwrap(), 0, 0),
        },
        serde_json::Value::String(text) => builder.str(text, 0, 0),
        serde_json::Value::Array(items) => {
            builder.begin_list(0);
            for item in items {
                build(item, builder);
            }
            builder.end(0);
        }
        serde_json::Value::Object(members) => {
            builder.begin_map(0);
            for (name, value) in members {
                builder.key(name, 0);
                build(value, builder);
            }
            builder.end(0);
        }
    }
}
