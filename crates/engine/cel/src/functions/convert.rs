//! `size` and conversions between types.

use super::operators::lacks;
use super::{Direct, Result, error, no_overload};
use crate::library::operand::{Operand, View};
use crate::library::timestamp::{ParseError, Timestamp};
use crate::library::{duration, go};
use crate::value::{Moment, Val};

pub(super) fn of_overload(id: &str) -> Option<Direct> {
    Some(match id {
        "bool_to_bool"
        | "bytes_to_bytes"
        | "double_to_double"
        | "duration_to_duration"
        | "int64_to_int64"
        | "string_to_string"
        | "timestamp_to_timestamp"
        | "uint64_to_uint64" => |args| Ok(args[0].read()),
        "string_to_bool" => boolean,
        "string_to_bytes" => |args| match args[0].view() {
            View::String(text) => Ok(Val::Bytes(text.as_bytes().into())),
            _ => Err(no_overload()),
        },
        "int64_to_double" | "uint64_to_double" | "string_to_double" => double,
        "string_to_duration" => |args| match args[0].view() {
            View::String(text) => duration::parse(text)
                .map(Val::Duration)
                .ok_or_else(|| cannot("google.protobuf.Duration")),
            _ => Err(no_overload()),
        },
        "double_to_int64" | "duration_to_int64" | "string_to_int64" | "timestamp_to_int64"
        | "uint64_to_int64" => int,
        "double_to_uint64" | "int64_to_uint64" | "string_to_uint64" => uint,
        "int64_to_timestamp" | "string_to_timestamp" => timestamp,
        "bool_to_string"
        | "bytes_to_string"
        | "double_to_string"
        | "duration_to_string"
        | "int64_to_string"
        | "timestamp_to_string"
        | "uint64_to_string" => string,
        _ => return None,
    })
}

/// What is wrong with a text is not told.
fn cannot(to: &str) -> crate::eval::EvalError {
    error(format!("type conversion error from 'string' to '{to}'"))
}

pub(super) fn size<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].view() {
        View::String(text) => Ok(Val::Int(text.chars().count() as i64)),
        View::Bytes(bytes) => Ok(Val::Int(bytes.len() as i64)),
        View::List | View::Map if args[0].is_open() => Ok(Val::Unknown),
        View::List | View::Map => Ok(Val::Int(args[0].len() as i64)),
        _ => Err(lacks("size", &args[0])),
    }
}

fn timestamp<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].view() {
        View::String(text) => match Timestamp::parse(text) {
            Ok(moment) => Ok(Val::Time(Moment(moment))),
            Err(ParseError::Overflow) => Err(error("timestamp overflow")),
            Err(ParseError::Syntax) => Err(cannot("google.protobuf.Timestamp")),
        },
        View::Int(seconds) => {
            Timestamp::from_unix(seconds).map(|moment| Val::Time(Moment(moment))).map_err(error)
        }
        _ => Err(no_overload()),
    }
}

fn int<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let range = || error("integer overflow");
    match args[0].view() {
        View::Uint(value) => i64::try_from(value).map(Val::Int).map_err(|_| range()),
        View::Double(value)
            if value > -9_223_372_036_854_775_808.0 && value < 9_223_372_036_854_775_808.0 =>
        {
            Ok(Val::Int(value as i64))
        }
        View::Double(_) => Err(range()),
        View::String(text) => text.parse().map(Val::Int).map_err(|_| cannot("int")),
        View::Timestamp(moment) => Ok(Val::Int(moment.unix())),
        View::Duration(nanos) => Ok(Val::Int(nanos)),
        _ => Err(no_overload()),
    }
}

fn uint<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let range = || error("unsigned integer overflow");
    match args[0].view() {
        View::Int(value) => u64::try_from(value).map(Val::Uint).map_err(|_| range()),
        View::Double(value) if (0.0..18_446_744_073_709_551_616.0).contains(&value) => {
            Ok(Val::Uint(value as u64))
        }
        View::Double(_) => Err(range()),
        // No sign, not even a plus.
        View::String(text) if text.starts_with('+') => Err(cannot("uint")),
        View::String(text) => text.parse().map(Val::Uint).map_err(|_| cannot("uint")),
        _ => Err(no_overload()),
    }
}

fn double<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].view() {
        View::Int(value) => Ok(Val::Double(value as f64)),
        View::Uint(value) => Ok(Val::Double(value as f64)),
        View::String(text) => {
            go::parse_float(text).map(Val::Double).ok_or_else(|| cannot("double"))
        }
        _ => Err(no_overload()),
    }
}

fn string<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    Ok(Val::str(match args[0].view() {
        View::Bool(value) => value.to_string(),
        View::Int(value) => value.to_string(),
        View::Uint(value) => value.to_string(),
        View::Double(value) => go::format_float_g(value),
        View::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Err(error("invalid UTF-8 in bytes, cannot convert to string")),
        },
        View::Duration(nanos) => duration::format(nanos),
        View::Timestamp(moment) => moment.format(),
        _ => return Err(no_overload()),
    }))
}

fn boolean<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    match args[0].view() {
        View::String("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(Val::Bool(true)),
        View::String("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(Val::Bool(false)),
        View::String(_) => Err(cannot("bool")),
        _ => Err(no_overload()),
    }
}
