//! Text and regular expressions.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use ironhull_model::Kind;

use crate::functions::{Function, Result, error, int, no_overload, owned, string};
use crate::library::regex::{Pattern, PatternCache};
use crate::library::string_format::{self, Arg};
use crate::library::strings;
use crate::value::Val;

pub(super) const FUNCTIONS: &[(&str, bool, Function)] = &[
    ("contains", true, |args| Ok(Val::Bool(string(&args[0])?.contains(string(&args[1])?)))),
    ("startsWith", true, |args| Ok(Val::Bool(string(&args[0])?.starts_with(string(&args[1])?)))),
    ("endsWith", true, |args| Ok(Val::Bool(string(&args[0])?.ends_with(string(&args[1])?)))),
    ("matches", true, matches),
    ("matches", false, matches),
    ("find", true, |args| {
        Ok(owned(pattern(string(&args[1])?)?.find(string(&args[0])?).to_owned()))
    }),
    ("findAll", true, |args| {
        let limit = if args.len() > 2 { int(&args[2])? } else { -1 };
        let found = pattern(string(&args[1])?)?;
        Ok(Val::list(
            found
                .find_all(string(&args[0])?, limit)
                .into_iter()
                .map(|part| owned(part.to_owned()))
                .collect(),
        ))
    }),
    ("charAt", true, |args| {
        strings::char_at(string(&args[0])?, int(&args[1])?).map(owned).map_err(error)
    }),
    ("lowerAscii", true, |args| Ok(owned(string(&args[0])?.to_ascii_lowercase()))),
    ("upperAscii", true, |args| Ok(owned(string(&args[0])?.to_ascii_uppercase()))),
    ("trim", true, |args| Ok(owned(string(&args[0])?.trim().to_owned()))),
    ("replace", true, |args| {
        let limit = if args.len() > 3 { int(&args[3])? } else { -1 };
        strings::replace(string(&args[0])?, string(&args[1])?, string(&args[2])?, limit)
            .map(owned)
            .map_err(error)
    }),
    ("split", true, |args| {
        let limit = if args.len() > 2 { int(&args[2])? } else { -1 };
        let parts = match &args[0] {
            // Parts of a document's text borrow from it.
            Val::Node(node) => {
                strings::split(node.as_str().ok_or_else(no_overload)?, string(&args[1])?, limit)
                    .into_iter()
                    .map(|part| Val::Str(Cow::Borrowed(part)))
                    .collect()
            }
            _ => strings::split(string(&args[0])?, string(&args[1])?, limit)
                .into_iter()
                .map(|part| owned(part.to_owned()))
                .collect(),
        };
        Ok(Val::list(parts))
    }),
    ("join", true, join),
    ("substring", true, |args| {
        let text = string(&args[0])?;
        let part = match args.len() {
            2 => strings::substring(text, int(&args[1])?),
            _ => strings::substring_range(text, int(&args[1])?, int(&args[2])?),
        };
        part.map(|part| owned(part.to_owned())).map_err(error)
    }),
    ("strings.quote", false, |args| Ok(owned(strings::quote(string(&args[0])?)))),
    ("format", true, |args| {
        let list = args[1].elements();
        let values: Vec<Val<'_>> = list.iter().map(Val::read).collect();
        let views: Vec<Arg<'_>> = values.iter().map(view).collect();
        string_format::format(string(&args[0])?, &views).map(owned).map_err(error)
    }),
    ("jsonpatch.escapeKey", false, |args| {
        Ok(owned(strings::escape_json_pointer(string(&args[0])?)))
    }),
];

fn pattern(text: &str) -> Result<Rc<Pattern>> {
    thread_local! {
        // Compiling a pattern costs more than most evaluations.
        static CACHE: RefCell<PatternCache> = RefCell::new(PatternCache::default());
    }
    CACHE.with(|cache| cache.borrow_mut().get(text)).map_err(error)
}

fn matches<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    Ok(Val::Bool(pattern(string(&args[1])?)?.is_match(string(&args[0])?)))
}

/// `indexOf` and `lastIndexOf` of a part in a text.
pub(super) fn index_of<'a>(args: &[Val<'a>], last: bool) -> Result<Val<'a>> {
    let (text, part) = (string(&args[0])?, string(&args[1])?);
    let at = match (last, args.get(2)) {
        (false, offset) => strings::index_of(text, part, offset.map_or(Ok(0), int)?),
        (true, None) => Ok(strings::last_index_of(text, part)),
        (true, Some(offset)) => strings::last_index_of_from(text, part, int(offset)?),
    };
    at.map(Val::Int).map_err(error)
}

fn join<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let separator = args.get(1).map_or(Ok(""), string)?;
    let mut joined = String::new();
    for (at, item) in args[0].elements().iter().enumerate() {
        if at > 0 {
            joined.push_str(separator);
        }
        joined.push_str(string(item)?);
    }
    Ok(owned(joined))
}

fn view<'v>(value: &'v Val<'_>) -> Arg<'v> {
    match value {
        Val::Null => Arg::Null,
        Val::Bool(value) => Arg::Bool(*value),
        Val::Int(value) => Arg::Int(*value),
        Val::Uint(value) => Arg::Uint(*value),
        Val::Double(value) => Arg::Double(*value),
        Val::Str(text) => Arg::String(text),
        Val::Bytes(bytes) => Arg::Bytes(bytes),
        Val::Duration(nanos) => Arg::Duration(*nanos),
        Val::Time(moment) => Arg::Timestamp(moment.0),
        Val::Type(name) => Arg::Type(name),
        Val::List(list) => Arg::List(list.items.iter().map(view).collect()),
        Val::Map(entries) => {
            Arg::Map(entries.iter().map(|(key, value)| (view(key), view(value))).collect())
        }
        Val::Node(node) => view_node(*node),
        other => Arg::Other(other.type_name()),
    }
}

fn view_node(node: ironhull_model::Node<'_>) -> Arg<'_> {
    match node.kind() {
        Kind::Null => Arg::Null,
        Kind::Bool => Arg::Bool(node.as_bool().unwrap_or_default()),
        Kind::Int => Arg::Int(node.as_i64().unwrap_or_default()),
        Kind::UInt => Arg::Uint(node.as_u64().unwrap_or_default()),
        Kind::Float => Arg::Double(node.as_f64().unwrap_or_default()),
        Kind::String => Arg::String(node.as_str().unwrap_or_default()),
        Kind::List => Arg::List(node.items().map(view_node).collect()),
        Kind::Map => Arg::Map(
            node.entries().map(|(key, value)| (Arg::String(key), view_node(value))).collect(),
        ),
    }
}
