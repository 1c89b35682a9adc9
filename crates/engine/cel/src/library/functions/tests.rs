//! Every overload that is a library's, called with random arguments, against the
//! API server: value, error and cost.

use std::collections::BTreeMap;
use std::path::Path;

use ironhull_testkit::oracle::{Case, check};
use ironhull_testkit::rng::Rng;

use super::*;
use crate::library::cost::Call;
use crate::library::declarations::{Declarations, DeclaredType, Overload};
use crate::library::timestamp::Timestamp;

/// The least a value can be.
#[derive(Clone, Debug)]
enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    String(String),
    Time(Timestamp),
    List(Vec<Plain>),
    Map(Vec<(Plain, Plain)>),
    Optional(Option<Box<Plain>>),
    Made(std::rc::Rc<Made<Plain>>),
}

impl Operand for Plain {
    fn view(&self) -> View<'_> {
        match self {
            Plain::Null => View::Null,
            Plain::Bool(value) => View::Bool(*value),
            Plain::Int(value) => View::Int(*value),
            Plain::Double(value) => View::Double(*value),
            Plain::String(value) => View::String(value),
            Plain::Time(value) => View::Timestamp(*value),
            Plain::List(_) => View::List,
            Plain::Map(_) => View::Map,
            Plain::Optional(_) => View::Other("optional_type"),
            Plain::Made(made) => match &**made {
                Made::Duration(nanos) => View::Duration(*nanos),
                Made::Uint(value) => View::Uint(*value),
                Made::Quantity(value) => View::Quantity(value),
                Made::Ip(value) => View::Ip(*value),
                Made::Cidr(value) => View::Cidr(*value),
                Made::Url(value) => View::Url(value),
                Made::Semver(value) => View::Semver(value),
                Made::Format(value) => View::Format(*value),
                other => panic!("{other:?}"),
            },
        }
    }

    fn items(&self) -> Option<Vec<Plain>> {
        if let Plain::List(items) = self { Some(items.clone()) } else { None }
    }

    fn entries(&self) -> Option<Vec<(Plain, Plain)>> {
        if let Plain::Map(entries) = self { Some(entries.clone()) } else { None }
    }

    fn content(&self) -> Option<Plain> {
        if let Plain::Optional(content) = self { content.as_deref().cloned() } else { None }
    }

    fn equal(&self, other: &Plain) -> Result<bool, String> {
        let numeric = |value: &Plain| matches!(value, Plain::Int(_) | Plain::Double(_));
        if numeric(self) && numeric(other) || !matches!(self, Plain::List(_) | Plain::Null) {
            return Ok(lists::compare(self, other) == Some(Ordering::Equal));
        }
        Ok(match (self, other) {
            (Plain::Null, Plain::Null) => true,
            (Plain::List(a), Plain::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equal(b) == Ok(true))
            }
            _ => false,
        })
    }
}

fn plain(made: Made<Plain>) -> Plain {
    match made {
        Made::Value(value) => value,
        Made::Bool(value) => Plain::Bool(value),
        Made::Int(value) => Plain::Int(value),
        Made::Double(value) => Plain::Double(value),
        Made::String(value) => Plain::String(value),
        Made::List(items) => Plain::List(items.into_iter().map(plain).collect()),
        Made::Map(entries) => Plain::Map(
            entries.into_iter().map(|(key, value)| (Plain::String(key), plain(value))).collect(),
        ),
        Made::Optional(content) => Plain::Optional(content.map(|made| Box::new(plain(*made)))),
        other => Plain::Made(std::rc::Rc::new(other)),
    }
}

fn shown_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\x0a"))
}

/// As the oracle shows it.
fn shown(value: &Plain) -> String {
    let joined = |items: &[Plain]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match value {
        Plain::List(items) => return format!("[{}]", joined(items)),
        Plain::Map(entries) => {
            let mut pairs: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", shown(key), shown(value)))
                .collect();
            pairs.sort();
            return format!("{{{}}}", pairs.join(", "));
        }
        Plain::Optional(None) => return "optional.none()".into(),
        Plain::Optional(Some(content)) => return format!("optional({})", shown(content)),
        _ => {}
    }
    match value.view() {
        View::Null => "null".into(),
        View::Bool(value) => value.to_string(),
        View::Int(value) => value.to_string(),
        View::Uint(value) => format!("{value}u"),
        View::Double(value) if value.is_nan() => "dNaN".into(),
        View::Double(value) => format!("d{:016x}", value.to_bits()),
        View::String(text) => shown_text(text),
        View::Duration(nanos) => format!("duration({nanos})"),
        View::Quantity(quantity) => {
            format!("quantity({},{})", quantity.canonical(), quantity.as_integer().is_some())
        }
        View::Ip(ip) => format!("IP({ip})"),
        View::Cidr(cidr) => format!("CIDR({cidr})"),
        View::Url(url) => format!("URL({})", shown_text(&url.text())),
        View::Semver(version) => format!("Semver({version})"),
        View::Format(format) => format!("Format({})", format.name()),
        other => panic!("{other:?}"),
    }
}

/// An argument: its expression over a variable, the variable, the value and cost.
struct Argument {
    text: String,
    variable: serde_json::Value,
    value: Plain,
    cost: u64,
    /// Whether the checker does not know its type.
    is_dyn: bool,
}

struct Maker {
    rng: Rng,
    pools: BTreeMap<&'static str, Vec<String>>,
}

impl Maker {
    fn valid(&mut self, kind: &str, made: impl Fn(&str) -> Option<Plain>) -> (String, Plain) {
        loop {
            let text = self.rng.pick(&self.pools[kind]).clone();
            if let Some(value) = made(&text) {
                return (text, value);
            }
        }
    }

    fn string(&mut self, overload: &str) -> String {
        let kinds: &[&str] = match overload {
            _ if overload.contains("find") || overload.contains("match") => &["regex", "plain"],
            _ if overload.contains("quantity") => &["quantity"],
            _ if overload.contains("semver") => &["semver"],
            _ if overload.contains("url") => &["url"],
            _ if overload.contains("cidr") && !overload.contains("_ip") => &["cidr"],
            _ if overload.contains("ip") => &["ip"],
            _ if overload.contains("tz") => &["zone"],
            "format-named" => &["formatName"],
            "format-validate" => &["name"],
            "string_format" => &["format", "format1"],
            _ => &["plain", "plain", "name"],
        };
        let kind = *self.rng.pick(kinds);
        self.rng.pick(&self.pools[kind]).clone()
    }

    fn element(&mut self, kind: usize) -> (serde_json::Value, Plain) {
        let int = self.rng.below(5) as i64 - 1;
        match kind {
            0 => (int.into(), Plain::Int(int)),
            1 => ((int as f64 + 0.5).into(), Plain::Double(int as f64 + 0.5)),
            2 => {
                let text = self.rng.pick(&self.pools["plain"]).clone();
                (text.clone().into(), Plain::String(text))
            }
            3 => {
                let truth = self.rng.chance(50);
                (truth.into(), Plain::Bool(truth))
            }
            _ => (serde_json::Value::Null, Plain::Null),
        }
    }

    fn list(&mut self, declared: &DeclaredType, depth: usize) -> (serde_json::Value, Plain) {
        let kind = match declared.parameters[0].name {
            "int" => 0,
            "double" => 1,
            "string" => 2,
            "bool" => 3,
            _ => self.rng.below(5),
        };
        let n_items = self.rng.below(6);
        let (variables, values): (Vec<_>, Vec<_>) = (0..n_items)
            .map(|_| {
                if declared.parameters[0].name == "list" && depth > 0 {
                    return self.list(&declared.parameters[0], depth - 1);
                }
                self.element(kind)
            })
            .unzip();
        (variables.into(), Plain::List(values))
    }

    fn argument(
        &mut self,
        declared: &DeclaredType,
        overload: &Overload,
        at: usize,
    ) -> Option<Argument> {
        let name = format!("a{at}");
        let made = |made| Plain::Made(std::rc::Rc::new(made));
        let known = |function: &str, (text, value): (String, Plain), call: u64| Argument {
            cost: 1 + call,
            text: format!("{function}({name})"),
            variable: text.into(),
            value,
            is_dyn: false,
        };
        let tenth = |text: &str| text.chars().count().div_ceil(10) as u64;
        let (variable, value) = match declared.name {
            "int" => {
                let int = self.rng.below(8) as i64 - 1;
                (int.into(), Plain::Int(int))
            }
            "bool" => (true.into(), Plain::Bool(true)),
            "string" => {
                let text = self.string(overload.id);
                (text.clone().into(), Plain::String(text))
            }
            "dyn" => self.element(at),
            "list" => match declared.parameters[0].name {
                "uint" | "bytes" | "google.protobuf.Duration" | "google.protobuf.Timestamp" => {
                    return None;
                }
                _ => self.list(declared, 1),
            },
            name if name.starts_with('<') => self.element(at),
            "google.protobuf.Duration" => {
                let valid = self.valid("duration", |text| {
                    duration::parse(text).map(|nanos| made(Made::Duration(nanos)))
                });
                return Some(known("duration", valid, 1));
            }
            "google.protobuf.Timestamp" => {
                let valid =
                    self.valid("timestamp", |text| Timestamp::parse(text).ok().map(Plain::Time));
                return Some(known("timestamp", valid, 1));
            }
            "kubernetes.Quantity" => {
                let valid = self.valid("quantity", |text| {
                    Quantity::parse(text).ok().map(|value| made(Made::Quantity(value)))
                });
                let cost = tenth(&valid.0);
                return Some(known("quantity", valid, cost));
            }
            "kubernetes.Semver" => {
                let valid = self.valid("semver", |text| {
                    Semver::parse(text).ok().map(|value| made(Made::Semver(value)))
                });
                let cost = tenth(&valid.0);
                return Some(known("semver", valid, cost));
            }
            "kubernetes.URL" => {
                let valid = self
                    .valid("url", |text| Url::parse(text).ok().map(|value| made(Made::Url(value))));
                let cost = tenth(&valid.0);
                return Some(known("url", valid, cost));
            }
            "net.IP" => {
                let valid = self
                    .valid("ip", |text| ip::parse_ip(text).ok().map(|value| made(Made::Ip(value))));
                let cost = tenth(&valid.0);
                return Some(known("ip", valid, cost));
            }
            "net.CIDR" => {
                let valid = self.valid("cidr", |text| {
                    Cidr::parse(text).ok().map(|value| made(Made::Cidr(value)))
                });
                let cost = tenth(&valid.0);
                return Some(known("cidr", valid, cost));
            }
            "kubernetes.NamedFormat" => {
                let (known, format) = *self.rng.pick(&Format::ALL);
                let text = format!("format.{known}()");
                let value = made(Made::Format(format));
                return Some(Argument {
                    text,
                    variable: serde_json::Value::Null,
                    value,
                    cost: 1,
                    is_dyn: false,
                });
            }
            _ => return None,
        };
        Some(Argument { text: name, variable, value, cost: 1, is_dyn: true })
    }
}

/// The overload that the checker settles on: none when several fit what it knows.
fn settled<'d>(all: &'d Declarations, overload: &Overload, arguments: &[Argument]) -> &'d str {
    let fits = |other: &&Overload| {
        other.function == overload.function
            && other.is_method == overload.is_method
            && other.arguments.len() == arguments.len()
            && other.arguments.iter().zip(&overload.arguments).zip(arguments).all(
                |((theirs, ours), argument)| {
                    argument.is_dyn
                        || theirs == ours
                        || theirs.is_parameter()
                        || theirs.name == "dyn"
                },
            )
    };
    let mut fitting = all.overloads.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => only.id,
        _ => "",
    }
}

fn case(maker: &mut Maker, all: &Declarations, overload: &Overload) -> Option<(Case, bool)> {
    let call: Function<Plain> = function(overload.id)?;
    if overload.function.starts_with('@') {
        return None;
    }
    let arguments: Vec<Argument> = overload
        .arguments
        .iter()
        .enumerate()
        .map(|(at, declared)| maker.argument(declared, overload, at))
        .collect::<Option<_>>()?;
    if overload.function == "sum" && arguments[0].variable == serde_json::json!([]) {
        // Of an untyped empty list: which zero is the dispatcher's choice.
        return None;
    }
    let texts: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
    let expression = if overload.is_method {
        format!("{}.{}({})", texts[0], overload.function, texts[1..].join(", "))
    } else {
        format!("{}({})", overload.function, texts.join(", "))
    };
    let variables: serde_json::Map<String, serde_json::Value> = arguments
        .iter()
        .enumerate()
        .filter(|(at, argument)| argument.text.contains(&format!("a{at}")))
        .map(|(at, argument)| (format!("a{at}"), argument.variable.clone()))
        .collect();
    let input = serde_json::json!({"minor": 37, "expr": expression, "vars": variables}).to_string();
    let values: Vec<Plain> = arguments.iter().map(|argument| argument.value.clone()).collect();
    let outcome = call(&values, &mut PatternCache::default()).map(plain);
    let observed: Vec<Option<Plain>> = values.into_iter().map(Some).collect();
    let cost = Call {
        function: overload.function,
        overload: settled(all, overload, &arguments),
        arguments: &observed,
        result: outcome.as_ref().ok(),
    };
    let cost = cost.cost().unwrap() + arguments.iter().map(|argument| argument.cost).sum::<u64>();
    let (result, error) = match &outcome {
        Ok(value) => (shown(value), String::new()),
        Err(error) => (String::new(), error.clone()),
    };
    let ours = format!(
        "{{\"accept\":true,\"result\":{},\"error\":{},\"cost\":{cost}}}",
        serde_json::Value::from(result),
        serde_json::Value::from(error)
    );
    Some((Case { input, ours }, outcome.is_err()))
}

#[test]
fn every_overload_equals_the_reference() {
    let all = Declarations::of_minor(37);
    let pools = crate::library::differential::pools();
    let mut maker = Maker { rng: Rng::new(11), pools };
    let mut cases = Vec::new();
    let (mut n_overloads, mut n_errors) = (0, 0);
    for overload in &all.overloads {
        let before = cases.len();
        for _ in 0..60 {
            if let Some((case, is_error)) = case(&mut maker, &all, overload) {
                cases.push(case);
                n_errors += usize::from(is_error);
            }
        }
        n_overloads += usize::from(cases.len() > before);
    }
    println!("{n_overloads} overloads, {} cases, {n_errors} of them errors", cases.len());
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/functions");
    check(&golden, "cel", &cases);
}
