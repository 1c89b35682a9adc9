//! Parts of moments and spans of time.

use crate::functions::{Function, Result, error, no_overload, string};
use crate::library::duration;
use crate::library::timestamp::Part;
use crate::value::Val;

pub(super) const FUNCTIONS: &[(&str, bool, Function)] = &[
    ("getFullYear", true, |args| part(args, Part::FullYear)),
    ("getMonth", true, |args| part(args, Part::Month)),
    ("getDate", true, |args| part(args, Part::Date)),
    ("getDayOfMonth", true, |args| part(args, Part::DayOfMonth)),
    ("getDayOfWeek", true, |args| part(args, Part::DayOfWeek)),
    ("getDayOfYear", true, |args| part(args, Part::DayOfYear)),
    ("getHours", true, |args| span(args, duration::hours, Part::Hours)),
    ("getMinutes", true, |args| span(args, duration::minutes, Part::Minutes)),
    ("getSeconds", true, |args| span(args, duration::whole_seconds, Part::Seconds)),
    ("getMilliseconds", true, |args| span(args, duration::milliseconds, Part::Milliseconds)),
];

fn part<'a>(args: &[Val<'a>], part: Part) -> Result<Val<'a>> {
    let Val::Time(moment) = args[0].read() else { return Err(no_overload()) };
    match args.get(1) {
        None => Ok(Val::Int(moment.0.get(part))),
        Some(zone) => moment.0.get_in(part, string(zone)?).map(Val::Int).map_err(error),
    }
}

fn span<'a>(args: &[Val<'a>], of_span: fn(i64) -> i64, of_moment: Part) -> Result<Val<'a>> {
    match args[0].read() {
        Val::Duration(nanos) => Ok(Val::Int(of_span(nanos))),
        _ => part(args, of_moment),
    }
}
