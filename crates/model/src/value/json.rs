//! JSON at the borders: serde in and out, and compact text.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Builder, Kind, Node, Value};

pub(super) fn write(node: Node<'_>, out: &mut String) {
    match node.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool => out.push_str(if node.as_bool() == Some(true) { "true" } else { "false" }),
        Kind::Int => _ = write!(out, "{}", node.as_i64().unwrap_or_default()),
        Kind::UInt => _ = write!(out, "{}", node.as_u64().unwrap_or_default()),
        Kind::Float => write_float(node.as_f64().unwrap_or_default(), out),
        Kind::String => write_str(node.as_str().unwrap_or_default(), out),
        Kind::List => {
            out.push('[');
            for (index, item) in node.items().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Kind::Map => {
            out.push('{');
            for (index, (key, item)) in node.entries().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_str(key, out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
    }
}

fn write_float(value: f64, out: &mut String) {
    if value.is_finite() {
        _ = write!(out, "{value:?}");
    } else {
        out.push_str("null");
    }
}

fn write_str(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => _ = write!(out, "\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind() {
            Kind::Null => serializer.serialize_unit(),
            Kind::Bool => serializer.serialize_bool(self.as_bool().unwrap_or_default()),
            Kind::Int => serializer.serialize_i64(self.as_i64().unwrap_or_default()),
            Kind::UInt => serializer.serialize_u64(self.as_u64().unwrap_or_default()),
            Kind::Float => serializer.serialize_f64(self.as_f64().unwrap_or_default()),
            Kind::String => serializer.serialize_str(self.as_str().unwrap_or_default()),
            Kind::List => {
                let mut list = serializer.serialize_seq(Some(self.len()))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Kind::Map => {
                let mut map = serializer.serialize_map(Some(self.len()))?;
                for (key, item) in self.entries() {
                    map.serialize_entry(key, &item)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let mut builder = Builder::new();
        Events(&mut builder).deserialize(deserializer)?;
        Ok(builder.finish())
    }
}

struct Events<'b>(&'b mut Builder);

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.null(0, 0);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.bool(value, 0, 0);
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.int(value, 0, 0);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.uint(value, 0, 0);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.float(value, 0, 0);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.str(value, 0, 0);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.begin_list(0);
        while items.next_element_seed(Events(self.0))?.is_some() {}
        self.0.end(0);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.begin_map(0);
        while let Some(key) = members.next_key::<std::borrow::Cow<'de, str>>()? {
            self.0.key(&key, 0);
            members.next_value_seed(Events(self.0))?;
        }
        self.0.end(0);
        Ok(())
    }
}
