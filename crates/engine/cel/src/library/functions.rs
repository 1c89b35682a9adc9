//! Which function an overload of `declarations.txt` is. Operators, conversions
//! between basic types, optionals, macros and the authorizer are the evaluator's.
//!
//! Arguments have been checked against the overload's types before; an argument
//! of another type is `no such overload`.

use std::cmp::Ordering;

use super::format::Format;
use super::ip::{self, Cidr};
use super::lists;
use super::operand::{Made, Operand, View};
use super::quantity::Quantity;
use super::regex::PatternCache;
use super::semver::Semver;
use super::string_format::{self, Arg};
use super::timestamp::Part;
use super::url::{self, Url};
use super::{duration, strings};

mod arguments;

use arguments::{
    address, block, format, int, nanos, quantity, semver, text, texts, time, truth, url,
};

/// A library function: its arguments, receiver first, and the patterns compiled so far.
pub(crate) type Function<V> = fn(&[V], &mut PatternCache) -> Result<Made<V>, String>;

/// The function of an overload; none for those that are the evaluator's own.
pub(crate) fn function<V: Operand>(overload: &str) -> Option<Function<V>> {
    string_function(overload)
        .or_else(|| time_function(overload))
        .or_else(|| list_function(overload))
        .or_else(|| network_function(overload))
        .or_else(|| number_function(overload))
        .or_else(|| format_function(overload))
}

fn string_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    Some(match overload {
        "string_char_at_int" => |a, _| Ok(Made::String(strings::char_at(text(a, 0)?, int(a, 1)?)?)),
        "string_index_of_string" => {
            |a, _| Ok(Made::Int(strings::index_of(text(a, 0)?, text(a, 1)?, 0)?))
        }
        "string_index_of_string_int" => {
            |a, _| Ok(Made::Int(strings::index_of(text(a, 0)?, text(a, 1)?, int(a, 2)?)?))
        }
        "string_last_index_of_string" => {
            |a, _| Ok(Made::Int(strings::last_index_of(text(a, 0)?, text(a, 1)?)))
        }
        "string_last_index_of_string_int" => {
            |a, _| Ok(Made::Int(strings::last_index_of_from(text(a, 0)?, text(a, 1)?, int(a, 2)?)?))
        }
        "string_lower_ascii" => |a, _| Ok(Made::String(text(a, 0)?.to_ascii_lowercase())),
        "string_upper_ascii" => |a, _| Ok(Made::String(text(a, 0)?.to_ascii_uppercase())),
        "string_trim" => |a, _| Ok(Made::String(text(a, 0)?.trim().into())),
        "string_replace_string_string" => {
            |a, _| Ok(Made::String(strings::replace(text(a, 0)?, text(a, 1)?, text(a, 2)?, -1)?))
        }
        "string_replace_string_string_int" => |a, _| {
            Ok(Made::String(strings::replace(text(a, 0)?, text(a, 1)?, text(a, 2)?, int(a, 3)?)?))
        },
        "string_split_string" => {
            |a, _| Ok(Made::strings(strings::split(text(a, 0)?, text(a, 1)?, -1)))
        }
        "string_split_string_int" => {
            |a, _| Ok(Made::strings(strings::split(text(a, 0)?, text(a, 1)?, int(a, 2)?)))
        }
        "string_substring_int" => {
            |a, _| Ok(Made::String(strings::substring(text(a, 0)?, int(a, 1)?)?.into()))
        }
        "string_substring_int_int" => |a, _| {
            Ok(Made::String(strings::substring_range(text(a, 0)?, int(a, 1)?, int(a, 2)?)?.into()))
        },
        "list_join" => |a, _| join(a, ""),
        "list_join_string" => |a, _| join(a, text(a, 1)?),
        "strings_quote" => |a, _| Ok(Made::String(strings::quote(text(a, 0)?))),
        "string_format" => |a, _| format_string(a),
        "matches" | "matches_string" => {
            |a, patterns| Ok(Made::Bool(patterns.get(text(a, 1)?)?.is_match(text(a, 0)?)))
        }
        "string_find_string" => {
            |a, patterns| Ok(Made::String(pattern(a, patterns)?.find(text(a, 0)?).into()))
        }
        "string_find_all_string" => {
            |a, patterns| Ok(Made::strings(pattern(a, patterns)?.find_all(text(a, 0)?, -1)))
        }
        "string_find_all_string_int" => {
            |a, patterns| Ok(Made::strings(pattern(a, patterns)?.find_all(text(a, 0)?, int(a, 2)?)))
        }
        _ => return None,
    })
}

fn pattern<V: Operand>(
    arguments: &[V],
    patterns: &mut PatternCache,
) -> Result<std::rc::Rc<super::regex::Pattern>, String> {
    patterns.get(text(arguments, 1)?).map_err(|error| format!("Illegal regex: {error}"))
}

fn join<V: Operand>(arguments: &[V], separator: &str) -> Result<Made<V>, String> {
    let items = texts(arguments, 0)?;
    let mut parts = Vec::with_capacity(items.len());
    for item in &items {
        match item.view() {
            View::String(part) => parts.push(part),
            other => return Err(format!("join: invalid input: {}", arguments::displayed(other))),
        }
    }
    strings::join(parts.into_iter(), separator).map(Made::String)
}

fn format_string<V: Operand>(arguments: &[V]) -> Result<Made<V>, String> {
    let items = texts(arguments, 1)?;
    let trees: Vec<arguments::Tree<V>> = items.iter().map(arguments::Tree::new).collect();
    let args: Vec<Arg<'_>> = trees.iter().map(arguments::Tree::arg).collect();
    string_format::format(text(arguments, 0)?, &args).map(Made::String)
}

fn time_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    macro_rules! here {
        ($part:ident) => {
            |a, _| Ok(Made::Int(time(a, 0)?.get(Part::$part)))
        };
    }
    macro_rules! there {
        ($part:ident) => {
            |a, _| Ok(Made::Int(time(a, 0)?.get_in(Part::$part, text(a, 1)?)?))
        };
    }
    Some(match overload {
        "timestamp_to_year" => here!(FullYear),
        "timestamp_to_year_with_tz" => there!(FullYear),
        "timestamp_to_month" => here!(Month),
        "timestamp_to_month_with_tz" => there!(Month),
        "timestamp_to_day_of_year" => here!(DayOfYear),
        "timestamp_to_day_of_year_with_tz" => there!(DayOfYear),
        "timestamp_to_day_of_month" => here!(DayOfMonth),
        "timestamp_to_day_of_month_with_tz" => there!(DayOfMonth),
        "timestamp_to_day_of_month_1_based" => here!(Date),
        "timestamp_to_day_of_month_1_based_with_tz" => there!(Date),
        "timestamp_to_day_of_week" => here!(DayOfWeek),
        "timestamp_to_day_of_week_with_tz" => there!(DayOfWeek),
        "timestamp_to_hours" => here!(Hours),
        "timestamp_to_hours_with_tz" => there!(Hours),
        "timestamp_to_minutes" => here!(Minutes),
        "timestamp_to_minutes_with_tz" => there!(Minutes),
        "timestamp_to_seconds" => here!(Seconds),
        "timestamp_to_seconds_tz" => there!(Seconds),
        "timestamp_to_milliseconds" => here!(Milliseconds),
        "timestamp_to_milliseconds_with_tz" => there!(Milliseconds),
        "duration_to_hours" => |a, _| Ok(Made::Int(duration::hours(nanos(a, 0)?))),
        "duration_to_minutes" => |a, _| Ok(Made::Int(duration::minutes(nanos(a, 0)?))),
        "duration_to_seconds" => |a, _| Ok(Made::Int(duration::whole_seconds(nanos(a, 0)?))),
        "duration_to_milliseconds" => |a, _| Ok(Made::Int(duration::milliseconds(nanos(a, 0)?))),
        _ => return None,
    })
}

fn list_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    let exact: Function<V> = match overload {
        "list_int_sum_int" => |a, _| lists::sum(&a[0], Made::Int(0)),
        "list_uint_sum_uint" => |a, _| lists::sum(&a[0], Made::Uint(0)),
        "list_double_sum_double" => |a, _| lists::sum(&a[0], Made::Double(0.0)),
        "list_duration_sum_duration" => |a, _| lists::sum(&a[0], Made::Duration(0)),
        "list_a_index_of_int" => |a, _| lists::index_of(&a[0], &a[1]),
        "list_a_last_index_of_int" => |a, _| lists::last_index_of(&a[0], &a[1]),
        "list_includes_dyn_dyn" => |a, _| lists::includes(&a[0], &a[1]),
        "list_slice" => |a, _| lists::slice(&a[0], int(a, 1)?, int(a, 2)?),
        "list_flatten" => |a, _| lists::flatten(&a[0], 1),
        "list_flatten_int" => |a, _| lists::flatten(&a[0], int(a, 1)?),
        "lists_range" => |a, _| lists::range(int(a, 0)?),
        "list_reverse" => |a, _| lists::reverse(&a[0]),
        "list_distinct" => |a, _| lists::distinct(&a[0]),
        "list_first" => |a, _| lists::first(&a[0]),
        "list_last" => |a, _| lists::last(&a[0]),
        "list_sets_contains_list" => |a, _| lists::set_contains(&a[0], &a[1]).map(Made::Bool),
        "list_sets_equivalent_list" => |a, _| lists::set_equivalent(&a[0], &a[1]).map(Made::Bool),
        "list_sets_intersects_list" => |a, _| lists::set_intersects(&a[0], &a[1]).map(Made::Bool),
        _ => return list_family(overload),
    };
    Some(exact)
}

/// Overloads that exist once for each type of element.
fn list_family<V: Operand>(overload: &str) -> Option<Function<V>> {
    let family = overload.strip_prefix("list_")?;
    if family.ends_with("_is_sorted_bool") {
        return Some(|a, _| lists::is_sorted(&a[0]));
    }
    if family.ends_with("_sortByAssociatedKeys") {
        return Some(|a, _| lists::sort_by(&a[0], &a[1]));
    }
    if family.ends_with("_sort") {
        return Some(|a, _| lists::sort_by(&a[0], &a[0]));
    }
    if family.contains("_max_") {
        return Some(|a, _| lists::extreme(&a[0], "max", Ordering::Greater));
    }
    if family.contains("_min_") {
        return Some(|a, _| lists::extreme(&a[0], "min", Ordering::Less));
    }
    None
}

fn network_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    Some(match overload {
        "string_to_ip" => |a, _| Ok(Made::Ip(ip::parse_ip(text(a, 0)?)?)),
        "is_ip" => |a, _| Ok(Made::Bool(ip::parse_ip(text(a, 0)?).is_ok())),
        "ip_is_canonical" => |a, _| Ok(Made::Bool(ip::is_canonical(text(a, 0)?)?)),
        "ip_family" => |a, _| Ok(Made::Int(if address(a, 0)?.is_ipv4() { 4 } else { 6 })),
        "ip_is_unspecified" => |a, _| Ok(Made::Bool(address(a, 0)?.is_unspecified())),
        "ip_is_loopback" => |a, _| Ok(Made::Bool(address(a, 0)?.is_loopback())),
        "ip_is_link_local_multicast" => {
            |a, _| Ok(Made::Bool(ip::is_link_local_multicast(address(a, 0)?)))
        }
        "ip_is_link_local_unicast" => {
            |a, _| Ok(Made::Bool(ip::is_link_local_unicast(address(a, 0)?)))
        }
        "ip_is_global_unicast" => |a, _| Ok(Made::Bool(ip::is_global_unicast(address(a, 0)?))),
        "ip_to_string" => |a, _| Ok(Made::String(address(a, 0)?.to_string())),
        "string_to_cidr" => |a, _| Ok(Made::Cidr(Cidr::parse(text(a, 0)?)?)),
        "is_cidr" => |a, _| Ok(Made::Bool(Cidr::parse(text(a, 0)?).is_ok())),
        "cidr_contains_ip_string" => |a, _| {
            // What is wrong with the address is lost in the reference.
            let address = ip::parse_ip(text(a, 1)?).map_err(|_| "no such overload")?;
            Ok(Made::Bool(block(a, 0)?.contains(address)))
        },
        "cidr_contains_ip_ip" => |a, _| Ok(Made::Bool(block(a, 0)?.contains(address(a, 1)?))),
        "cidr_contains_cidr_string" => {
            |a, _| Ok(Made::Bool(block(a, 0)?.contains_cidr(Cidr::parse(text(a, 1)?)?)))
        }
        "cidr_contains_cidr" => |a, _| Ok(Made::Bool(block(a, 0)?.contains_cidr(block(a, 1)?))),
        "cidr_ip" => |a, _| Ok(Made::Ip(block(a, 0)?.ip())),
        "cidr_prefix_length" => |a, _| Ok(Made::Int(block(a, 0)?.prefix_length().into())),
        "cidr_masked" => |a, _| Ok(Made::Cidr(block(a, 0)?.masked())),
        "cidr_to_string" => |a, _| Ok(Made::String(block(a, 0)?.to_string())),
        "string_to_url" => |a, _| Ok(Made::Url(Url::parse(text(a, 0)?)?)),
        "is_url_string" => |a, _| Ok(Made::Bool(url::parse_request_uri(text(a, 0)?).is_ok())),
        "url_get_scheme" => |a, _| Ok(Made::String(url(a, 0)?.scheme().into())),
        "url_get_host" => |a, _| Ok(Made::String(url(a, 0)?.host())),
        "url_get_hostname" => |a, _| Ok(Made::String(url(a, 0)?.hostname())),
        "url_get_port" => |a, _| Ok(Made::String(url(a, 0)?.port())),
        "url_get_escaped_path" => |a, _| Ok(Made::String(url(a, 0)?.escaped_path())),
        "url_get_query" => |a, _| {
            let pairs = url(a, 0)?.query().into_iter();
            Ok(Made::Map(pairs.map(|(key, values)| (key, Made::strings(values))).collect()))
        },
        _ => return None,
    })
}

fn number_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    Some(match overload {
        "string_to_quantity" => |a, _| Ok(Made::Quantity(Quantity::parse(text(a, 0)?)?)),
        "is_quantity_string" => |a, _| Ok(Made::Bool(Quantity::parse(text(a, 0)?).is_ok())),
        "quantity_sign" => |a, _| Ok(Made::Int(quantity(a, 0)?.sign())),
        "quantity_is_greater_than" => {
            |a, _| Ok(Made::Bool(quantity(a, 0)?.compare(quantity(a, 1)?) == Ordering::Greater))
        }
        "quantity_is_less_than" => {
            |a, _| Ok(Made::Bool(quantity(a, 0)?.compare(quantity(a, 1)?) == Ordering::Less))
        }
        "quantity_compare_to" => {
            |a, _| Ok(Made::Int(quantity(a, 0)?.compare(quantity(a, 1)?) as i64))
        }
        "quantity_get_float" => |a, _| Ok(Made::Double(quantity(a, 0)?.as_approximate_float())),
        "quantity_get_int" => |a, _| {
            let integer = quantity(a, 0)?.as_integer();
            Ok(Made::Int(integer.ok_or("cannot convert value to integer")?))
        },
        "quantity_is_integer" => |a, _| Ok(Made::Bool(quantity(a, 0)?.as_integer().is_some())),
        "quantity_add" => |a, _| Ok(Made::Quantity(quantity(a, 0)?.add(quantity(a, 1)?)?)),
        "quantity_add_int" => {
            |a, _| Ok(Made::Quantity(quantity(a, 0)?.add(&Quantity::from_int(int(a, 1)?))?))
        }
        "quantity_sub" => |a, _| Ok(Made::Quantity(quantity(a, 0)?.sub(quantity(a, 1)?)?)),
        "quantity_sub_int" => {
            |a, _| Ok(Made::Quantity(quantity(a, 0)?.sub(&Quantity::from_int(int(a, 1)?))?))
        }
        "string_to_semver" => |a, _| Ok(Made::Semver(Semver::parse(text(a, 0)?)?)),
        "string_bool_to_semver" => |a, _| Ok(Made::Semver(parse_semver(a)?)),
        "is_semver_string" => |a, _| Ok(Made::Bool(Semver::parse(text(a, 0)?).is_ok())),
        "is_semver_string_bool" => |a, _| Ok(Made::Bool(parse_semver(a).is_ok())),
        "semver_is_greater_than" => {
            |a, _| Ok(Made::Bool(semver(a, 0)?.compare(semver(a, 1)?) == Ordering::Greater))
        }
        "semver_is_less_than" => {
            |a, _| Ok(Made::Bool(semver(a, 0)?.compare(semver(a, 1)?) == Ordering::Less))
        }
        "semver_compare_to" => |a, _| Ok(Made::Int(semver(a, 0)?.compare(semver(a, 1)?) as i64)),
        "semver_major" => |a, _| Ok(Made::Int(semver(a, 0)?.major as i64)),
        "semver_minor" => |a, _| Ok(Made::Int(semver(a, 0)?.minor as i64)),
        "semver_patch" => |a, _| Ok(Made::Int(semver(a, 0)?.patch as i64)),
        _ => return None,
    })
}

fn parse_semver<V: Operand>(arguments: &[V]) -> Result<Semver, String> {
    let version = text(arguments, 0)?;
    if truth(arguments, 1)? { Semver::parse_normalized(version) } else { Semver::parse(version) }
}

fn format_function<V: Operand>(overload: &str) -> Option<Function<V>> {
    macro_rules! named {
        ($format:ident) => {
            |_, _| Ok(Made::Format(Format::$format))
        };
    }
    Some(match overload {
        "format-named" => |a, _| {
            let format = Format::named(text(a, 0)?);
            Ok(Made::Optional(format.map(|format| Box::new(Made::Format(format)))))
        },
        "format-validate" => |a, _| {
            let errors = format(a, 0)?.validate(text(a, 1)?);
            let errors =
                if errors.is_empty() { None } else { Some(Box::new(Made::strings(errors))) };
            Ok(Made::Optional(errors))
        },
        "format.dns1123Label" => named!(Dns1123Label),
        "format.dns1123LabelPrefix" => named!(Dns1123LabelPrefix),
        "format.dns1123Subdomain" => named!(Dns1123Subdomain),
        "format.dns1123SubdomainPrefix" => named!(Dns1123SubdomainPrefix),
        "format.dns1035Label" => named!(Dns1035Label),
        "format.dns1035LabelPrefix" => named!(Dns1035LabelPrefix),
        "format.qualifiedName" => named!(QualifiedName),
        "format.labelValue" => named!(LabelValue),
        "format.uri" => named!(Uri),
        "format.uuid" => named!(Uuid),
        "format.byte" => named!(Byte),
        "format.date" => named!(Date),
        "format.datetime" => named!(DateTime),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
