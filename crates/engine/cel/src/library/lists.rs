//! Functions of lists and of lists as sets.

use std::cmp::Ordering;

use super::operand::{Made, Operand, View};

/// `lists.range` makes no longer list.
const MAX_RANGE: i64 = 1_000_000;
const NO_OVERLOAD: &str = "no such overload";

type Answer<V> = Result<Made<V>, String>;

/// The order of two values of comparable types, numbers across types; none for
/// NaN and values that have no order.
pub(crate) fn compare<V: Operand>(a: &V, b: &V) -> Option<Ordering> {
    match (a.view(), b.view()) {
        (View::Bool(a), View::Bool(b)) => Some(a.cmp(&b)),
        (View::String(a), View::String(b)) => Some(a.cmp(b)),
        (View::Bytes(a), View::Bytes(b)) => Some(a.cmp(b)),
        (View::Timestamp(a), View::Timestamp(b)) => Some(a.cmp(&b)),
        (View::Int(a), View::Int(b)) | (View::Duration(a), View::Duration(b)) => Some(a.cmp(&b)),
        (View::Uint(a), View::Uint(b)) => Some(a.cmp(&b)),
        (View::Double(a), View::Double(b)) => a.partial_cmp(&b),
        (View::Int(a), View::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (View::Uint(a), View::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        // As the reference does it: as floats.
        (View::Int(a), View::Double(b)) => (a as f64).partial_cmp(&b),
        (View::Uint(a), View::Double(b)) => (a as f64).partial_cmp(&b),
        (View::Double(a), View::Int(b)) => a.partial_cmp(&(b as f64)),
        (View::Double(a), View::Uint(b)) => a.partial_cmp(&(b as f64)),
        _ => None,
    }
}

fn is_comparable<V: Operand>(value: &V) -> bool {
    matches!(
        value.view(),
        View::Bool(_)
            | View::String(_)
            | View::Bytes(_)
            | View::Duration(_)
            | View::Timestamp(_)
            | View::Int(_)
            | View::Uint(_)
            | View::Double(_)
    )
}

fn items<V: Operand>(list: &V) -> Result<Vec<V>, String> {
    list.items().ok_or_else(|| NO_OVERLOAD.into())
}

/// Whether no element is greater than its successor.
pub(crate) fn is_sorted<V: Operand>(list: &V) -> Answer<V> {
    let items = items(list)?;
    for (at, item) in items.iter().enumerate() {
        if !is_comparable(item) {
            return Err(NO_OVERLOAD.into());
        }
        if at > 0 && compare(&items[at - 1], item) == Some(Ordering::Greater) {
            return Ok(Made::Bool(false));
        }
    }
    Ok(Made::Bool(true))
}

/// The first greatest or, reversed, least element.
pub(crate) fn extreme<V: Operand>(list: &V, name: &str, wanted: Ordering) -> Answer<V> {
    let mut best: Option<V> = None;
    for item in items(list)? {
        if !is_comparable(&item) {
            return Err(NO_OVERLOAD.into());
        }
        let is_better = best.as_ref().is_none_or(|best| compare(&item, best) == Some(wanted));
        if is_better {
            best = Some(item);
        }
    }
    best.map(Made::Value).ok_or_else(|| format!("{name} called on empty list"))
}

/// The sum, starting from a zero of the overload's type.
pub(crate) fn sum<V: Operand>(list: &V, zero: Made<V>) -> Answer<V> {
    let mut sum = zero;
    for item in items(list)? {
        sum = match (sum, item.view()) {
            (Made::Int(sum), View::Int(value)) => {
                Made::Int(sum.checked_add(value).ok_or("integer overflow")?)
            }
            (Made::Uint(sum), View::Uint(value)) => {
                Made::Uint(sum.checked_add(value).ok_or("unsigned integer overflow")?)
            }
            (Made::Double(sum), View::Double(value)) => Made::Double(sum + value),
            (Made::Duration(sum), View::Duration(value)) => {
                Made::Duration(sum.checked_add(value).ok_or("integer overflow")?)
            }
            _ => return Err(NO_OVERLOAD.into()),
        };
    }
    Ok(sum)
}

/// The first place of a value, or -1.
pub(crate) fn index_of<V: Operand>(list: &V, wanted: &V) -> Answer<V> {
    let found = items(list)?.iter().position(|item| item.equal(wanted) == Ok(true));
    Ok(Made::Int(found.map_or(-1, |at| at as i64)))
}

/// The last place of a value, or -1.
pub(crate) fn last_index_of<V: Operand>(list: &V, wanted: &V) -> Answer<V> {
    let found = items(list)?.iter().rposition(|item| item.equal(wanted) == Ok(true));
    Ok(Made::Int(found.map_or(-1, |at| at as i64)))
}

/// Whether a list has a value, or a scalar is it.
pub(crate) fn includes<V: Operand>(target: &V, wanted: &V) -> Answer<V> {
    let items = target.items().unwrap_or_else(|| vec![target.clone()]);
    Ok(Made::Bool(items.iter().any(|item| item.equal(wanted) == Ok(true))))
}

/// The elements from `start` up to `end`.
pub(crate) fn slice<V: Operand>(list: &V, start: i64, end: i64) -> Answer<V> {
    let items = items(list)?;
    let cannot = format!("cannot slice({start}, {end}), ");
    if start < 0 || end < 0 {
        return Err(cannot + "negative indexes not supported");
    }
    if start > end {
        return Err(cannot + "start index must be less than or equal to end index");
    }
    match items.get(start as usize..end as usize) {
        Some(part) => Ok(Made::list(part.iter().cloned())),
        None => Err(format!("{cannot}list is length {}", items.len())),
    }
}

/// Lists inside the list replaced by their elements, `depth` levels deep.
pub(crate) fn flatten<V: Operand>(list: &V, depth: i64) -> Answer<V> {
    if depth < 0 {
        return Err("level must be non-negative".into());
    }
    let mut flat = Vec::new();
    // Depth-first without recursion: what is still to be put out, last first.
    let mut pending: Vec<(V, i64)> =
        items(list)?.into_iter().rev().map(|item| (item, depth)).collect();
    while let Some((item, depth)) = pending.pop() {
        match item.items() {
            Some(inner) if depth > 0 => {
                pending.extend(inner.into_iter().rev().map(|item| (item, depth - 1)));
            }
            _ => flat.push(item),
        }
    }
    Ok(Made::list(flat))
}

/// The list in the order of its keys, which are of one type.
pub(crate) fn sort_by<V: Operand>(list: &V, keys: &V) -> Answer<V> {
    let (values, keys) = (items(list)?, items(keys)?);
    if values.len() != keys.len() {
        return Err(format!(
            "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {} and {} elements respectively",
            values.len(),
            keys.len()
        ));
    }
    let Some(first) = keys.first() else { return Ok(Made::Value(list.clone())) };
    if !is_comparable(first) {
        return Err("list elements must be comparable".into());
    }
    let same_type =
        |key: &V| std::mem::discriminant(&key.view()) == std::mem::discriminant(&first.view());
    if keys.len() > 1 && !keys.iter().all(same_type) {
        return Err("list elements must have the same type".into());
    }
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| compare(&keys[a], &keys[b]).unwrap_or(Ordering::Equal));
    Ok(Made::list(order.into_iter().map(|at| values[at].clone())))
}

/// The numbers below `n`.
pub(crate) fn range<V: Operand>(n: i64) -> Answer<V> {
    if n < 0 {
        return Err(format!("lists.range: size must be non-negative, got {n}"));
    }
    if n > MAX_RANGE {
        return Err(format!("lists.range: size {n} exceeds maximum allowed ({MAX_RANGE})"));
    }
    Ok(Made::List((0..n).map(Made::Int).collect()))
}

/// The list from its end.
pub(crate) fn reverse<V: Operand>(list: &V) -> Answer<V> {
    Ok(Made::list(items(list)?.into_iter().rev()))
}

/// The list without later equal elements.
pub(crate) fn distinct<V: Operand>(list: &V) -> Answer<V> {
    let mut unique: Vec<V> = Vec::new();
    for item in items(list)? {
        if !unique.iter().any(|seen| item.equal(seen) == Ok(true)) {
            unique.push(item);
        }
    }
    Ok(Made::list(unique))
}

/// The first element, if any.
pub(crate) fn first<V: Operand>(list: &V) -> Answer<V> {
    let first = items(list)?.into_iter().next();
    Ok(Made::Optional(first.map(|value| Box::new(Made::Value(value)))))
}

/// The last element, if any.
pub(crate) fn last<V: Operand>(list: &V) -> Answer<V> {
    let last = items(list)?.pop();
    Ok(Made::Optional(last.map(|value| Box::new(Made::Value(value)))))
}

fn contains<V: Operand>(items: &[V], wanted: &V) -> bool {
    items.iter().any(|item| wanted.equal(item) == Ok(true))
}

/// Whether every element of `part` is in `whole`.
pub(crate) fn set_contains<V: Operand>(whole: &V, part: &V) -> Result<bool, String> {
    let whole = items(whole)?;
    Ok(items(part)?.iter().all(|item| contains(&whole, item)))
}

/// Whether each contains the other.
pub(crate) fn set_equivalent<V: Operand>(a: &V, b: &V) -> Result<bool, String> {
    Ok(set_contains(a, b)? && set_contains(b, a)?)
}

/// Whether they have an element in common.
pub(crate) fn set_intersects<V: Operand>(a: &V, b: &V) -> Result<bool, String> {
    let b = items(b)?;
    Ok(items(a)?.iter().any(|item| contains(&b, item)))
}
