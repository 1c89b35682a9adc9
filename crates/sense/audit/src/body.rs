//! The little that is taken from the bodies of requests and responses.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::Text;

/// An object's owner.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
pub struct Owner<'a> {
    /// Its kind.
    #[serde(borrow, default)]
    pub kind: Cow<'a, str>,
    /// Its name.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// Whether it manages the object.
    #[serde(default)]
    pub controller: bool,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) owner_references: Vec<Owner<'a>>,
}

/// A body's metadata, and the texts of what else may be read of it. A body may also be a
/// JSON patch, which is a list.
#[derive(Debug, Default)]
pub(crate) struct Body<'a> {
    pub(crate) meta: Option<Meta<'a>>,
    pub(crate) spec: Option<&'a RawValue>,
    pub(crate) status: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Body<'a>, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Body<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a body")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
                let mut body = Body::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "metadata" => body.meta = map.next_value()?,
                        "spec" => body.spec = Some(map.next_value()?),
                        "status" => body.status = Some(map.next_value()?),
                        _ => _ = map.next_value::<IgnoredAny>()?,
                    }
                }
                Ok(body)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Body<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Body::default())
            }
            fn visit_unit<E>(self) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
            fn visit_str<E>(self, _: &str) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Body<'de>, E> {
                Ok(Body::default())
            }
        }
        deserializer.deserialize_any(Reading)
    }
}
