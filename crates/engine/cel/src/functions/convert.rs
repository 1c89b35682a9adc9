//! `size`, `type` and conversions between types.

use crate::functions::{Function, Result, error, no_overload, owned};
use crate::library::timestamp::Timestamp;
use crate::library::{duration, go};
use crate::value::{Moment, Val};

pub(super) const FUNCTIONS: &[(&str, bool, Function)] = &[
    ("size", false, size),
    ("size", true, size),
    ("type", false, |args| Ok(Val::Type(args[0].type_name()))),
    ("dyn", false, |args| Ok(args[0].clone())),
    ("int", false, int),
    ("uint", false, uint),
    ("double", false, double),
    ("string", false, string),
    ("bool", false, boolean),
    ("bytes", false, bytes),
    ("duration", false, |args| match args[0].read() {
        Val::Str(text) => duration::parse(&text)
            .map(Val::Duration)
            .ok_or_else(|| error(format!("time: invalid duration {text:?}"))),
        value @ Val::Duration(_) => Ok(value),
        Val::Int(nanos) => Ok(Val::Duration(nanos)),
        _ => Err(no_overload()),
    }),
    ("timestamp", false, |args| match args[0].read() {
        Val::Str(text) => match Timestamp::parse(&text) {
            Ok(moment) => Ok(Val::Time(Moment(moment))),
            Err(_) => Err(error(format!("invalid timestamp {text:?}"))),
        },
        value @ Val::Time(_) => Ok(value),
        Val::Int(seconds) => {
            Timestamp::from_unix(seconds).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        _ => Err(no_overload()),
    }),
    ("@type bool", false, |_| Ok(Val::Type("bool"))),
    ("@type bytes", false, |_| Ok(Val::Type("bytes"))),
    ("@type double", false, |_| Ok(Val::Type("double"))),
    ("@type google.protobuf.Duration", false, |_| Ok(Val::Type("google.protobuf.Duration"))),
    ("@type google.protobuf.Timestamp", false, |_| Ok(Val::Type("google.protobuf.Timestamp"))),
    ("@type int", false, |_| Ok(Val::Type("int"))),
    ("@type list", false, |_| Ok(Val::Type("list"))),
    ("@type map", false, |_| Ok(Val::Type("map"))),
    ("@type null_type", false, |_| Ok(Val::Type("null_type"))),
    ("@type string", false, |_| Ok(Val::Type("string"))),
    ("@type type", false, |_| Ok(Val::Type("type"))),
    ("@type uint", false, |_| Ok(Val::Type("uint"))),
    ("@type optional_type", false, |_| Ok(Val::Type("optional_type"))),
];

fn size<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].read() {
        Val::Str(text) => Ok(Val::Int(text.chars().count() as i64)),
        Val::Bytes(bytes) => Ok(Val::Int(bytes.len() as i64)),
        Val::List(list) if list.open => Ok(Val::Unknown),
        Val::List(list) => Ok(Val::Int(list.items.len() as i64)),
        Val::Map(entries) => Ok(Val::Int(entries.len() as i64)),
        Val::Node(node) => Ok(Val::Int(node.len() as i64)),
        _ => Err(no_overload()),
    }
}

fn int<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let range = || error("integer overflow");
    match args[0].read() {
        value @ Val::Int(_) => Ok(value),
        Val::Uint(value) => i64::try_from(value).map(Val::Int).map_err(|_| range()),
        Val::Double(value)
            if value > -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 =>
        {
            Ok(Val::Int(value as i64))
        }
        Val::Double(_) => Err(range()),
        Val::Str(text) => text.parse().map(Val::Int).map_err(|_| {
            error(format!("strconv.ParseInt: parsing {}: invalid syntax", go::quote(&text)))
        }),
        Val::Time(moment) => Ok(Val::Int(moment.0.unix())),
        Val::Duration(nanos) => Ok(Val::Int(nanos)),
        _ => Err(no_overload()),
    }
}

fn uint<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let range = || error("unsigned integer overflow");
    match args[0].read() {
        value @ Val::Uint(_) => Ok(value),
        Val::Int(value) => u64::try_from(value).map(Val::Uint).map_err(|_| range()),
        Val::Double(value) if (0.0..18_446_744_073_709_551_616.0).contains(&value) => {
            Ok(Val::Uint(value as u64))
        }
        Val::Double(_) => Err(range()),
        Val::Str(text) => text.parse().map(Val::Uint).map_err(|_| {
            error(format!("strconv.ParseUint: parsing {}: invalid syntax", go::quote(&text)))
        }),
        _ => Err(no_overload()),
    }
}

fn double<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].read() {
        value @ Val::Double(_) => Ok(value),
        Val::Int(value) => Ok(Val::Double(value as f64)),
        Val::Uint(value) => Ok(Val::Double(value as f64)),
        Val::Str(text) => text.parse().map(Val::Double).map_err(|_| {
            error(format!("strconv.ParseFloat: parsing {}: invalid syntax", go::quote(&text)))
        }),
        _ => Err(no_overload()),
    }
}

fn string<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    Ok(match args[0].read() {
        value @ Val::Str(_) => value,
        Val::Bool(value) => owned(value.to_string()),
        Val::Int(value) => owned(value.to_string()),
        Val::Uint(value) => owned(value.to_string()),
        Val::Double(value) => owned(go::format_float_g(value)),
        Val::Bytes(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => owned(text.to_owned()),
            Err(_) => return Err(error("invalid UTF-8 in bytes, cannot convert to string")),
        },
        Val::Duration(nanos) => owned(duration::format(nanos)),
        Val::Time(moment) => owned(moment.0.format()),
        Val::Opaque(opaque) => owned(opaque.text()),
        _ => return Err(no_overload()),
    })
}

fn boolean<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].read() {
        value @ Val::Bool(_) => Ok(value),
        Val::Str(text) => match &*text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Val::Bool(false)),
            _ => Err(error(format!(
                "strconv.ParseBool: parsing {}: invalid syntax",
                go::quote(&text)
            ))),
        },
        _ => Err(no_overload()),
    }
}

fn bytes<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].read() {
        value @ Val::Bytes(_) => Ok(value),
        Val::Str(text) => Ok(Val::Bytes(text.as_bytes().into())),
        _ => Err(no_overload()),
    }
}
