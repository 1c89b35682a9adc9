//! What a call costs at run time, as the API server's tracker counts it.
//!
//! Three layers, the first that knows the overload wins: trackers of the list and
//! set extensions, Kubernetes' own rules, the language's rules; else 1.

use super::ip;
use super::operand::{Operand, View};

/// Of a string, the part that one unit of cost traverses.
pub(crate) const STRING: f64 = 0.1;
/// Of a pattern, the part that stands for one expression in it.
const REGEX: f64 = 0.25;
const NEW_LIST: u64 = 10;
const NEW_STRUCT: u64 = 40;
/// One authorization check: two fit a budget of a million.
const CHECK: u64 = 350_000;

/// A call that is observed: an argument or result that is an error is none.
pub(crate) struct Call<'c, V> {
    /// The function's name.
    pub(crate) function: &'c str,
    /// The overload's name; empty when only run time decides it.
    pub(crate) overload: &'c str,
    /// With the receiver first.
    pub(crate) arguments: &'c [Option<V>],
    /// What it returned.
    pub(crate) result: Option<&'c V>,
}

impl<V: Operand> Call<'_, V> {
    /// Its cost. The error ends the evaluation: the reference's tracker panics
    /// where it expects a list and finds none.
    pub(crate) fn cost(&self) -> Result<u64, String> {
        if let Some(cost) = self.extension_cost()? {
            return Ok(cost);
        }
        Ok(self.kubernetes_cost().unwrap_or_else(|| self.language_cost()))
    }

    fn argument(&self, at: usize) -> Option<&V> {
        self.arguments.get(at)?.as_ref()
    }

    fn size(&self, at: usize) -> u64 {
        self.argument(at).map_or(1, size)
    }

    fn extension_cost(&self) -> Result<Option<u64>, String> {
        if self.arguments.iter().flatten().any(Operand::is_unknown) {
            return Ok(None);
        }
        let allocating = |factor: f64, size: u64| {
            let factor = if factor < 0.0 { 1.0 } else { factor };
            go_uint(size as f64 * factor).saturating_add(1 + NEW_LIST)
        };
        Ok(Some(match self.overload {
            "list_sets_contains_list" | "list_sets_intersects_list" => {
                self.size(0).saturating_mul(self.size(1)).saturating_add(1)
            }
            "list_sets_equivalent_list" => {
                self.size(0).saturating_mul(self.size(1)).saturating_mul(2).saturating_add(1)
            }
            "list_slice" | "lists_range" | "list_reverse" => {
                allocating(1.0, self.result.map_or(1, size))
            }
            "list_flatten" => allocating(1.0, self.size(0)),
            "list_flatten_int" => match self.argument(1).map(Operand::view) {
                Some(View::Int(depth)) => allocating(depth as f64, self.size(0)),
                _ => return Err(PANIC.into()),
            },
            "list_distinct" => self_compared(self.argument(0))?,
            overload if overload.ends_with("_sort") => self_compared(self.argument(0))?,
            overload if overload.ends_with("_sortByAssociatedKeys") => {
                self_compared(self.argument(1))?
            }
            _ => return Ok(None),
        }))
    }

    fn kubernetes_cost(&self) -> Option<u64> {
        let first = || self.size_of_sizer(0);
        let second = || self.size_of_sizer(1);
        let needs = |n_arguments: usize| (self.arguments.len() >= n_arguments).then_some(());
        Some(match self.function {
            "check" => CHECK,
            "fieldSelector" | "labelSelector" => {
                needs(2)?;
                NEW_LIST + part(second(), STRING) + part(second(), 0.5) * (NEW_LIST + NEW_STRUCT)
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" | "includes" => {
                self.arguments.first().map_or(0, |list| list.as_ref().map_or(1, traversal))
            }
            "ip" if self.overload == "cidr_ip" => 1,
            "url"
            | "lowerAscii"
            | "upperAscii"
            | "substring"
            | "trim"
            | "jsonpatch.escapeKey"
            | "cidr"
            | "isIP"
            | "isCIDR"
            | "ip"
            | "quantity"
            | "isQuantity"
            | "semver"
            | "isSemver" => {
                needs(1)?;
                part(first(), STRING)
            }
            "replace" | "split" | "ip.isCanonical" => {
                needs(1)?;
                twice(first())
            }
            "join" => twice(self.result.map_or(1, size_of_sizer)),
            "find" | "findAll" => {
                needs(2)?;
                regex_cost(first(), second())
            }
            "containsIP" => {
                needs(2)?;
                part(first() + first(), STRING)
                    + if self.overload == "cidr_contains_ip_string" {
                        part(second(), STRING)
                    } else {
                        0
                    }
            }
            "containsCIDR" => {
                needs(2)?;
                let parsed = self.overload == "cidr_contains_cidr_string";
                part(first() + first(), STRING)
                    + part(first(), STRING)
                    + 1
                    + if parsed { part(second(), STRING) } else { 0 }
            }
            "validate" => match self.argument(0)?.view() {
                View::Format(format) => regex_cost(second(), format.regex_size()),
                _ => return None,
            },
            "_==_" => match self.argument(0)?.view() {
                View::Quantity(_)
                | View::Ip(_)
                | View::Cidr(_)
                | View::Format(_)
                | View::Url(_)
                | View::Semver(_) => 1,
                View::Other(name) if name.starts_with("kubernetes.authorization.") => 1,
                _ => return None,
            },
            _ => return None,
        })
    }

    /// As Kubernetes' rules see a size: they do not look into optionals.
    fn size_of_sizer(&self, at: usize) -> u64 {
        self.argument(at).map_or(1, size_of_sizer)
    }

    fn language_cost(&self) -> u64 {
        match self.overload {
            "starts_with_string" | "ends_with_string" => part(self.size(1), STRING),
            "string_to_bytes" | "bytes_to_string" | "strings_quote" | "string_format" => {
                part(self.size(0), STRING)
            }
            "in_list" => self.size(1),
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals" => part(self.size(0).min(self.size(1)), STRING),
            "add_string" | "add_bytes" => part(self.size(0) + self.size(1), STRING),
            "matches" | "matches_string" => regex_cost(self.size(0), self.size(1)),
            "contains_string" => part(self.size(0), STRING) * part(self.size(1), STRING),
            _ => 1,
        }
    }
}

/// Whether a call costs 1, whatever its arguments are.
pub(crate) fn is_plain(function: &str, overload: &str) -> bool {
    let by_function = matches!(
        function,
        "check"
            | "fieldSelector"
            | "labelSelector"
            | "isSorted"
            | "sum"
            | "max"
            | "min"
            | "indexOf"
            | "lastIndexOf"
            | "includes"
            | "url"
            | "lowerAscii"
            | "upperAscii"
            | "substring"
            | "trim"
            | "jsonpatch.escapeKey"
            | "cidr"
            | "isIP"
            | "isCIDR"
            | "ip"
            | "quantity"
            | "isQuantity"
            | "semver"
            | "isSemver"
            | "replace"
            | "split"
            | "ip.isCanonical"
            | "join"
            | "find"
            | "findAll"
            | "containsIP"
            | "containsCIDR"
            | "validate"
            | "_==_"
    );
    let by_overload = matches!(
        overload,
        "list_sets_contains_list"
            | "list_sets_intersects_list"
            | "list_sets_equivalent_list"
            | "list_slice"
            | "lists_range"
            | "list_reverse"
            | "list_flatten"
            | "list_flatten_int"
            | "list_distinct"
            | "starts_with_string"
            | "ends_with_string"
            | "string_to_bytes"
            | "bytes_to_string"
            | "strings_quote"
            | "string_format"
            | "in_list"
            | "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals"
            | "add_string"
            | "add_bytes"
            | "matches"
            | "matches_string"
            | "contains_string"
    );
    let sorts = overload.ends_with("_sort") || overload.ends_with("_sortByAssociatedKeys");
    !(by_function || by_overload || sorts)
}

const PANIC: &str = "internal error: interface conversion";

/// A float as an unsigned integer, as the reference's machine code converts it.
fn go_uint(value: f64) -> u64 {
    if value >= 18_446_744_073_709_551_616.0 { 1 << 63 } else { value as u64 }
}

/// The share of a size, rounded up.
pub(crate) fn part(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

fn twice(size: u64) -> u64 {
    (size as f64 * 2.0 * STRING).ceil() as u64
}

pub(crate) fn regex_cost(text_size: u64, regex_size: u64) -> u64 {
    let text = ((1.0 + text_size as f64) * STRING).ceil() as u64;
    text * part(regex_size, REGEX)
}

fn self_compared<V: Operand>(list: Option<&V>) -> Result<u64, String> {
    let items = list.and_then(Operand::items).ok_or(PANIC)?;
    let n_items = items.len() as u64;
    let factor = match items.first().map(Operand::view) {
        Some(View::String(_) | View::Bytes(_)) => 2.0 + STRING,
        _ => 2.0,
    };
    let compared = go_uint(n_items.saturating_mul(n_items) as f64 * factor);
    Ok(compared.saturating_add(1 + NEW_LIST))
}

/// Code points, bytes, elements or entries; of an optional what it holds; else 1.
pub(crate) fn size<V: Operand>(value: &V) -> u64 {
    match value.content() {
        Some(content) => size(&content),
        None => size_of_sizer(value),
    }
}

fn size_of_sizer<V: Operand>(value: &V) -> u64 {
    match value.view() {
        View::String(text) => super::strings::size(text) as u64,
        View::Bytes(bytes) => bytes.len() as u64,
        View::List | View::Map => value.count().unwrap_or_default() as u64,
        View::Ip(address) => ip::size(address),
        View::Cidr(block) => block.size(),
        _ => 1,
    }
}

/// What it takes to look at everything in a value once. Strings count by bytes,
/// rounded down.
fn traversal<V: Operand>(value: &V) -> u64 {
    match value.view() {
        View::String(text) => (text.len() as f64 * STRING) as u64,
        View::Bytes(bytes) => (bytes.len() as f64 * STRING) as u64,
        View::List => value.items().unwrap_or_default().iter().map(traversal).sum(),
        View::Map => {
            let entries = value.entries().unwrap_or_default();
            entries.iter().map(|(key, value)| traversal(key) + traversal(value)).sum()
        }
        _ => 1,
    }
}
