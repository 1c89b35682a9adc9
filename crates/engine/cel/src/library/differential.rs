//! The libraries against the API server's own, function by function.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use ironhull_testkit::oracle::{Case, check};
use ironhull_testkit::rng::Rng;

use super::format::Format;
use super::ip::{self, Cidr};
use super::quantity::Quantity;
use super::regex::Pattern;
use super::semver::Semver;
use super::string_format::{self, Arg};
use super::timestamp::{Part, Timestamp};
use super::url::Url;
use super::{duration, strings};

type Answer = Result<String, String>;

/// Strings by kind, as the expression generator uses them.
pub(crate) fn pools() -> BTreeMap<&'static str, Vec<String>> {
    let mut pools: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in include_str!("../../tests/corpus/pools.txt").lines() {
        if let Some((kind, value)) = line.split_once(' ')
            && !line.starts_with('#')
        {
            let value = value.replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t");
            pools.entry(kind).or_default().push(value.replace('\u{1}', "\\"));
        }
    }
    pools
}

fn mutate(rng: &mut Rng, value: &str) -> String {
    let alphabet: Vec<char> =
        "0129.:/%-+abeEiKmnsTZ[](){}?*\\^$,# é_|dwpPQUx&=;@!".chars().collect();
    let mut chars: Vec<char> = value.chars().collect();
    for _ in 0..=rng.below(2) {
        let at = rng.below(chars.len() + 1);
        let char = *rng.pick(&alphabet);
        match rng.below(3) {
            1 if at < chars.len() => chars[at] = char,
            2 if at < chars.len() => _ = chars.remove(at),
            _ => chars.insert(at, char),
        }
    }
    let n_digits = chars.iter().rev().take_while(|char| char.is_ascii_digit()).count();
    // The reference needs hours for an exponent such as e1000000000.
    if n_digits > 3 && chars.iter().any(|char| "eE".contains(*char)) {
        return value.to_owned();
    }
    chars.into_iter().collect()
}

struct Cases {
    rng: Rng,
    pools: BTreeMap<&'static str, Vec<String>>,
    asked: Vec<Case>,
    counts: BTreeMap<&'static str, (usize, usize)>,
}

impl Cases {
    fn value(&mut self, kind: &str) -> String {
        let value = self.rng.pick(&self.pools[kind]).clone();
        if self.rng.chance(40) { mutate(&mut self.rng, &value) } else { value }
    }

    /// A question over `s` and `d`; `ours` is the canonical text of the answer.
    fn add(&mut self, family: &'static str, expression: &str, [s, d]: [&str; 2], ours: Answer) {
        let input = serde_json::json!({
            "minor": 37, "expr": expression, "vars": {"s": s, "d": d}, "bare": true,
        });
        let count = self.counts.entry(family).or_default();
        count.0 += 1;
        count.1 += usize::from(ours.is_err());
        let (result, error) = match ours {
            Ok(result) => (result, String::new()),
            Err(error) => (String::new(), error),
        };
        let ours = format!(
            "{{\"accept\":true,\"result\":{},\"error\":{},\"cost\":0}}",
            json(&result),
            json(&error)
        );
        self.asked.push(Case { input: input.to_string(), ours });
    }
}

/// A JSON string as Go writes it.
fn json(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// A string as the oracle shows it.
fn shown(text: &str) -> String {
    let mut shown = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => shown.extend(['\\', char]),
            char if char < ' ' => _ = write!(shown, "\\x{:02x}", char as u32),
            char => shown.push(char),
        }
    }
    shown + "\""
}

fn shown_list<T: AsRef<str>>(texts: &[T]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| shown(text.as_ref())).collect();
    format!("[{}]", texts.join(", "))
}

fn shown_quantity(quantity: &Quantity) -> String {
    format!("quantity({},{})", quantity.canonical(), quantity.as_integer().is_some())
}

fn shown_double(value: f64) -> String {
    if value.is_nan() { "dNaN".into() } else { format!("d{:016x}", value.to_bits()) }
}

fn quantities(cases: &mut Cases) {
    let [s, d] = [cases.value("quantity"), cases.value("quantity")];
    let pair = [s.as_str(), d.as_str()];
    let parse = || Quantity::parse(&s);
    let both = || Ok::<_, String>((Quantity::parse(&s)?, Quantity::parse(&d)?));
    let mut add = |expression, ours| cases.add("quantity", expression, pair, ours);
    add("quantity(s)", parse().map(|q| shown_quantity(&q)));
    add("isQuantity(s)", Ok(parse().is_ok().to_string()));
    add(
        "quantity(s).asApproximateFloat()",
        parse().map(|q| shown_double(q.as_approximate_float())),
    );
    add("sign(quantity(s))", parse().map(|q| q.sign().to_string()));
    add(
        "quantity(s).compareTo(quantity(d))",
        both().map(|(a, b)| (a.compare(&b) as i8).to_string()),
    );
    add("quantity(s).add(quantity(d))", both().and_then(|(a, b)| Ok(shown_quantity(&a.add(&b)?))));
    add("quantity(s).sub(quantity(d))", both().and_then(|(a, b)| Ok(shown_quantity(&a.sub(&b)?))));
    add(
        "quantity(s).sub(7).add(quantity(d)).asApproximateFloat()",
        both().and_then(|(a, b)| {
            Ok(shown_double(a.sub(&Quantity::from_int(7))?.add(&b)?.as_approximate_float()))
        }),
    );
}

fn addresses(cases: &mut Cases) {
    let [s, d] = [cases.value("cidr"), cases.value("ip")];
    let pair = [s.as_str(), d.as_str()];
    let address = || ip::parse_ip(&d);
    let block = || Cidr::parse(&s);
    let mut add = |expression, ours: Answer| cases.add("ip and cidr", expression, pair, ours);
    add("ip(d)", address().map(|ip| format!("IP({ip})")));
    add("ip.isCanonical(d)", ip::is_canonical(&d).map(|is| is.to_string()));
    add("[isIP(d), isIP(s)]", Ok(format!("[{}, {}]", address().is_ok(), ip::parse_ip(&s).is_ok())));
    add(
        "[ip(d).isUnspecified(), ip(d).isLoopback(), ip(d).isLinkLocalMulticast(), ip(d).isLinkLocalUnicast(), ip(d).isGlobalUnicast()]",
        address().map(|ip| {
            format!(
                "[{}, {}, {}, {}, {}]",
                ip.is_unspecified(),
                ip.is_loopback(),
                ip::is_link_local_multicast(ip),
                ip::is_link_local_unicast(ip),
                ip::is_global_unicast(ip)
            )
        }),
    );
    add("cidr(s)", block().map(|cidr| format!("CIDR({cidr})")));
    add("cidr(s).masked()", block().map(|cidr| format!("CIDR({})", cidr.masked())));
    add(
        "cidr(s).containsIP(ip(d))",
        block().and_then(|cidr| Ok(cidr.contains(address()?).to_string())),
    );
}

fn cidr_pairs(cases: &mut Cases) {
    let [s, d] = [cases.value("cidr"), cases.value("cidr")];
    let ours = Cidr::parse(&s).and_then(|a| Ok(a.contains_cidr(Cidr::parse(&d)?).to_string()));
    cases.add("ip and cidr", "cidr(s).containsCIDR(cidr(d))", [&s, &d], ours);
}

fn urls(cases: &mut Cases) {
    let s = cases.value("url");
    let parse = || Url::parse(&s);
    let mut add = |expression, ours: Answer| cases.add("url", expression, [&s, ""], ours);
    add("url(s)", parse().map(|url| format!("URL({})", shown(&url.text()))));
    add(
        "[url(s).getScheme(), url(s).getHost(), url(s).getHostname(), url(s).getPort(), url(s).getEscapedPath()]",
        parse().map(|url| {
            let parts = [
                url.scheme().to_owned(),
                url.host(),
                url.hostname(),
                url.port(),
                url.escaped_path(),
            ];
            shown_list(&parts)
        }),
    );
    add(
        "url(s).getQuery()",
        parse().map(|url| {
            let mut pairs: Vec<String> = url
                .query()
                .iter()
                .map(|(key, values)| format!("{}: {}", shown(key), shown_list(values)))
                .collect();
            pairs.sort();
            format!("{{{}}}", pairs.join(", "))
        }),
    );
}

fn semvers(cases: &mut Cases) {
    let [s, d] = [cases.value("semver"), cases.value("semver")];
    let strict = || Semver::parse(&s).map(|version| format!("Semver({version})"));
    cases.add("semver", "semver(s)", [&s, &d], strict());
    let loose = Semver::parse_normalized(&s).map(|version| format!("Semver({version})"));
    cases.add("semver", "semver(s, true)", [&s, &d], loose);
    let order =
        Semver::parse(&s).and_then(|a| Ok((a.compare(&Semver::parse(&d)?) as i8).to_string()));
    cases.add("semver", "semver(s).compareTo(semver(d))", [&s, &d], order);
}

fn times(cases: &mut Cases) {
    const NOT_A_TIME: &str = "type conversion error from 'string' to 'google.protobuf.Timestamp'";
    const NOT_A_DURATION: &str =
        "type conversion error from 'string' to 'google.protobuf.Duration'";
    let [s, d] = [cases.value("timestamp"), cases.value("zone")];
    let parse = || {
        Timestamp::parse(&s).map_err(|error| match error {
            super::timestamp::ParseError::Syntax => NOT_A_TIME.to_owned(),
            super::timestamp::ParseError::Overflow => "timestamp overflow".to_owned(),
        })
    };
    cases.add(
        "timestamp",
        "timestamp(s)",
        [&s, &d],
        parse().map(|at| format!("timestamp({})", at.format())),
    );
    let getters = [
        ("getFullYear", Part::FullYear),
        ("getMonth", Part::Month),
        ("getDate", Part::Date),
        ("getDayOfMonth", Part::DayOfMonth),
        ("getDayOfWeek", Part::DayOfWeek),
        ("getDayOfYear", Part::DayOfYear),
        ("getHours", Part::Hours),
        ("getMinutes", Part::Minutes),
        ("getSeconds", Part::Seconds),
        ("getMilliseconds", Part::Milliseconds),
    ];
    let (name, part) = *cases.rng.pick(&getters);
    let here = parse().map(|at| at.get(part).to_string());
    cases.add("timestamp", &format!("timestamp(s).{name}()"), [&s, &d], here);
    let there = parse().and_then(|at| Ok(at.get_in(part, &d)?.to_string()));
    cases.add("timestamp", &format!("timestamp(s).{name}(d)"), [&s, &d], there);
    let d = cases.value("duration");
    let nanos = duration::parse(&d).ok_or_else(|| NOT_A_DURATION.to_owned());
    cases.add(
        "duration",
        "duration(d)",
        [&s, &d],
        nanos.clone().map(|nanos| format!("duration({nanos})")),
    );
    cases.add(
        "duration",
        "string(duration(d))",
        [&s, &d],
        nanos.clone().map(|nanos| shown(&duration::format(nanos))),
    );
    let parts = nanos.clone().map(|nanos| {
        let parts = [
            duration::hours(nanos),
            duration::minutes(nanos),
            duration::whole_seconds(nanos),
            duration::milliseconds(nanos),
        ];
        format!("{parts:?}")
    });
    cases.add("duration", "[duration(d).getHours(), duration(d).getMinutes(), duration(d).getSeconds(), duration(d).getMilliseconds()]", [&s, &d], parts);
    let shown_time = |at: Timestamp| format!("timestamp({})", at.format());
    let sum = parse().and_then(|at| Ok(shown_time(at.add(nanos.clone()?)?)));
    cases.add("timestamp", "timestamp(s) + duration(d)", [&s, &d], sum);
    let difference = parse().and_then(|at| Ok(shown_time(at.subtract(nanos?)?)));
    cases.add("timestamp", "timestamp(s) - duration(d)", [&s, &d], difference);
}

fn regexes(cases: &mut Cases) {
    let d = cases.value("regex");
    let kind = *cases.rng.pick(&["plain", "name", "url", "timestamp", "regex"]);
    let s = cases.value(kind);
    let compile = || Pattern::new(&d);
    cases.add(
        "regex",
        "s.matches(d)",
        [&s, &d],
        compile().map(|regex| regex.is_match(&s).to_string()),
    );
    // Only matches() passes the error on as it is.
    let illegal = |error| format!("Illegal regex: {error}");
    cases.add(
        "regex",
        "s.find(d)",
        [&s, &d],
        compile().map_err(illegal).map(|regex| shown(regex.find(&s))),
    );
    let limit = cases.rng.below(5) as i64 - 1;
    let all = compile().map_err(illegal).map(|regex| shown_list(&regex.find_all(&s, limit)));
    cases.add("regex", &format!("s.findAll(d, {limit})"), [&s, &d], all);
}

fn formats(cases: &mut Cases) {
    let (name, format) = *cases.rng.pick(&Format::ALL);
    let kind = *cases.rng.pick(&["name", "name", "url", "timestamp", "plain"]);
    let s = cases.value(kind);
    let errors = format.validate(&s);
    let ours = if errors.is_empty() {
        "optional.none()".into()
    } else {
        format!("optional({})", shown_list(&errors))
    };
    cases.add("named format", &format!("format.{name}().validate(s)"), [&s, ""], Ok(ours));
}

fn texts(cases: &mut Cases) {
    let kind = *cases.rng.pick(&["plain", "name", "url"]);
    let [s, d] = [cases.value(kind), cases.value("plain")];
    let pair = [s.as_str(), d.as_str()];
    let [i, j] = [0, 0].map(|_| cases.rng.below(9) as i64 - 1);
    let mut add = |expression: String, ours: Answer| cases.add("strings", &expression, pair, ours);
    add(format!("s.charAt({i})"), strings::char_at(&s, i).map(|text| shown(&text)));
    add(format!("s.indexOf(d, {i})"), strings::index_of(&s, &d, i).map(|at| at.to_string()));
    add(
        format!("s.lastIndexOf(d, {i})"),
        strings::last_index_of_from(&s, &d, i).map(|at| at.to_string()),
    );
    add("s.lastIndexOf(d)".into(), Ok(strings::last_index_of(&s, &d).to_string()));
    add(format!("s.substring({i})"), strings::substring(&s, i).map(shown));
    add(format!("s.substring({i}, {j})"), strings::substring_range(&s, i, j).map(shown));
    add(format!("s.split(d, {i})"), Ok(shown_list(&strings::split(&s, &d, i))));
    add(format!("s.split('', {i})"), Ok(shown_list(&strings::split(&s, "", i))));
    add(
        format!("s.replace(d, '<>', {i})"),
        strings::replace(&s, &d, "<>", i).map(|text| shown(&text)),
    );
    add(format!("s.replace('', d, {i})"), strings::replace(&s, "", &d, i).map(|text| shown(&text)));
    add("strings.quote(s)".into(), Ok(shown(&strings::quote(&s))));
    add("'%s %x'.format([[s, d], s])".into(), {
        let list = Arg::List(vec![Arg::String(&s), Arg::String(&d)]);
        string_format::format("%s %x", &[list, Arg::String(&s)]).map(|text| shown(&text))
    });
}

fn clauses(cases: &mut Cases) {
    let kind = *cases.rng.pick(&["format1", "formatDouble", "formatInt", "format"]);
    let s = cases.value(kind);
    let float = f64::from_bits(cases.rng.bits());
    let float = if float.is_finite() && float.abs() < 1e30 && float.abs() > 1e-30 {
        float
    } else {
        1234.5678
    };
    let int = cases.rng.bits() as i64 >> cases.rng.below(64);
    let values: [(String, Arg<'_>); 8] = [
        (format!("{float:?}"), Arg::Double(float)),
        (int.to_string(), Arg::Int(int)),
        (format!("{}u", int.unsigned_abs()), Arg::Uint(int.unsigned_abs())),
        ("true".into(), Arg::Bool(true)),
        ("null".into(), Arg::Null),
        ("b'a\\xff'".into(), Arg::Bytes(b"a\xff")),
        ("'Infinity'".into(), Arg::String("Infinity")),
        ("duration('90s')".into(), Arg::Duration(90_000_000_000)),
    ];
    let [(first, a), (second, b)] = [0, 0].map(|_| cases.rng.pick(&values).clone());
    let ours = string_format::format(&s, &[a, b]).map(|text| shown(&text));
    cases.add("format()", &format!("s.format([dyn({first}), dyn({second})])"), [&s, ""], ours);
}

#[test]
fn libraries_equal_the_reference() {
    let mut cases =
        Cases { rng: Rng::new(7), pools: pools(), asked: Vec::new(), counts: BTreeMap::new() };
    for _ in 0..450 {
        quantities(&mut cases);
        addresses(&mut cases);
        cidr_pairs(&mut cases);
        urls(&mut cases);
        semvers(&mut cases);
        times(&mut cases);
        regexes(&mut cases);
        regexes(&mut cases);
        formats(&mut cases);
        formats(&mut cases);
        texts(&mut cases);
        clauses(&mut cases);
        clauses(&mut cases);
    }
    for (family, (n_cases, n_errors)) in &cases.counts {
        println!("{family}: {n_cases} cases, {n_errors} of them errors");
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/library");
    check(&golden, "cel", &cases.asked);
}
