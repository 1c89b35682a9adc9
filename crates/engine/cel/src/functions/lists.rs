//! Lists and sets.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::functions::{Function, Result, compare, error, int, no_overload};
use crate::value::{List, Val, equal};

pub(super) const FUNCTIONS: &[(&str, bool, Function)] = &[
    ("isSorted", true, |args| {
        let items = numbers(&args[0])?;
        Ok(Val::Bool(items.windows(2).all(|pair| {
            compare(&pair[0], &pair[1]).is_some_and(|order| order != Ordering::Greater)
        })))
    }),
    ("sum", true, sum),
    ("min", true, |args| extreme(args, Ordering::Less, "min")),
    ("max", true, |args| extreme(args, Ordering::Greater, "max")),
    ("indexOf", true, |args| index_of(args, false)),
    ("lastIndexOf", true, |args| index_of(args, true)),
    ("includes", true, |args| match super::contains(&[args[1].clone(), args[0].clone()]) {
        Ok(value) => Ok(value),
        Err(error) => Err(error),
    }),
    ("slice", true, slice),
    ("flatten", true, flatten),
    ("sort", true, |args| {
        let items = complete(&args[0])?;
        super::sorted_by(items.clone(), &items)
    }),
    ("distinct", true, |args| {
        let mut kept: Vec<Val<'_>> = Vec::new();
        for item in complete(&args[0])? {
            if !kept.iter().any(|known| equal(known, &item)) {
                kept.push(item);
            }
        }
        Ok(Val::list(kept))
    }),
    ("reverse", true, |args| {
        let mut items = complete(&args[0])?;
        items.reverse();
        Ok(Val::list(items))
    }),
    ("first", true, |args| Ok(Val::Optional(complete(&args[0])?.into_iter().next().map(Rc::new)))),
    ("last", true, |args| {
        Ok(Val::Optional(complete(&args[0])?.into_iter().next_back().map(Rc::new)))
    }),
    ("lists.range", false, |args| {
        let n = int(&args[0])?;
        if n > 1_000_000 {
            return Err(error("lists.range: too large"));
        }
        Ok(Val::list((0..n.max(0)).map(Val::Int).collect()))
    }),
    ("sets.contains", false, |args| {
        Ok(Val::Bool(all_in(&args[1].elements(), &args[0].elements())))
    }),
    ("sets.equivalent", false, |args| {
        let (a, b) = (args[0].elements(), args[1].elements());
        Ok(Val::Bool(all_in(&a, &b) && all_in(&b, &a)))
    }),
    ("sets.intersects", false, |args| {
        let b = args[1].elements();
        Ok(Val::Bool(
            args[0].elements().iter().any(|item| b.iter().any(|other| equal(item, other))),
        ))
    }),
];

fn all_in(items: &[Val<'_>], list: &[Val<'_>]) -> bool {
    items.iter().all(|item| list.iter().any(|known| equal(known, item)))
}

/// The elements of a list; an open one has more that nobody knows.
fn complete<'a>(list: &Val<'a>) -> Result<Vec<Val<'a>>> {
    match list {
        Val::List(list) if list.open => Err(error("the list is not known completely")),
        list if list.type_name() == "list" => Ok(list.elements()),
        _ => Err(no_overload()),
    }
}

fn numbers<'a>(list: &Val<'a>) -> Result<Vec<Val<'a>>> {
    Ok(complete(list)?.iter().map(Val::read).collect())
}

fn sum<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let mut items = numbers(&args[0])?.into_iter();
    let Some(first) = items.next() else { return Ok(Val::Int(0)) };
    items.try_fold(first, |sum, item| super::add(&[sum, item]))
}

fn extreme<'a>(args: &[Val<'a>], wanted: Ordering, name: &str) -> Result<Val<'a>> {
    let mut items = numbers(&args[0])?.into_iter();
    let Some(mut best) = items.next() else {
        return Err(error(format!("{name} called on empty list")));
    };
    for item in items {
        if compare(&item, &best).ok_or_else(no_overload)? == wanted {
            best = item;
        }
    }
    Ok(best)
}

/// Of an element in a list, or of a part in a text.
fn index_of<'a>(args: &[Val<'a>], last: bool) -> Result<Val<'a>> {
    if args[0].as_str().is_some() {
        return super::text::index_of(args, last);
    }
    let items = complete(&args[0])?;
    let mut found =
        items.iter().enumerate().filter(|(_, item)| equal(item, &args[1])).map(|(at, _)| at as i64);
    let at = if last { found.next_back() } else { found.next() };
    Ok(Val::Int(at.unwrap_or(-1)))
}

fn slice<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let items = complete(&args[0])?;
    let (from, to) = (int(&args[1])?, int(&args[2])?);
    if from < 0 || to < 0 {
        return Err(error(format!("cannot slice({from}, {to}), negative indexes not supported")));
    }
    if from > to {
        return Err(error(format!(
            "cannot slice({from}, {to}), start index must be less than or equal to end index"
        )));
    }
    match items.get(from as usize..to as usize) {
        Some(part) => Ok(Val::list(part.to_vec())),
        None => Err(error(format!("cannot slice({from}, {to}), list is length {}", items.len()))),
    }
}

fn flatten<'a>(args: &[Val<'a>]) -> Result<Val<'a>> {
    let depth = if args.len() > 1 { int(&args[1])? } else { 1 };
    if depth < 0 {
        return Err(error("level must be non-negative"));
    }
    let mut out = Vec::new();
    let open = flatten_into(&args[0], depth, &mut out);
    Ok(Val::List(Rc::new(List { items: out, open })))
}

fn flatten_into<'a>(list: &Val<'a>, depth: i64, out: &mut Vec<Val<'a>>) -> bool {
    let mut open = matches!(list, Val::List(list) if list.open);
    for item in list.elements() {
        if depth > 0 && item.type_name() == "list" {
            open |= flatten_into(&item, depth - 1, out);
        } else {
            out.push(item);
        }
    }
    open
}
