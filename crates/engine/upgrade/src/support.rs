//! How long the Kubernetes project supports a minor.
//!
//! `support.tsv` has the dates of <https://kubernetes.io/releases/> and, for what has
//! ended, of `data/releases/eol.yaml` in github.com/kubernetes/website; releases are
//! those of the Go module `k8s.io/kubernetes`. Providers support their own builds
//! longer; what they backport is theirs to say.

use std::sync::LazyLock;

use ironhull_model::{Builder, Minor, Value};
use jiff::Unit;
use jiff::civil::Date;

/// The dates of one minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Which.
    pub minor: Minor,
    /// The day of its .0 release.
    pub released: Date,
    /// From here on only grave faults are mended.
    pub maintenance: Date,
    /// From here on nothing is.
    pub ends: Date,
}

/// How a minor stands on a day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Faults are mended.
    Active,
    /// Only grave ones.
    Maintenance,
    /// None.
    Ended,
}

impl Phase {
    /// In facts: `active`, `maintenance`, `ended`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Active => "active",
            Phase::Maintenance => "maintenance",
            Phase::Ended => "ended",
        }
    }
}

static WINDOWS: LazyLock<Vec<Window>> = LazyLock::new(|| {
    let rows = include_str!("support.tsv").lines().skip(1);
    rows.filter_map(|row| {
        let mut cells = row.split('\t');
        let minor = cells.next()?.parse().ok()?;
        let mut date = || cells.next()?.parse::<Date>().ok();
        Some(Window { minor, released: date()?, maintenance: date()?, ends: date()? })
    })
    .collect()
});

/// The dates of a minor; none when they are not known.
pub fn window(minor: Minor) -> Option<Window> {
    WINDOWS.iter().find(|window| window.minor == minor).copied()
}

impl Window {
    /// How it stands on a day.
    pub fn phase(&self, today: Date) -> Phase {
        match today {
            today if today >= self.ends => Phase::Ended,
            today if today >= self.maintenance => Phase::Maintenance,
            _ => Phase::Active,
        }
    }

    /// Days until nothing is mended any more; negative afterwards.
    pub fn days_left(&self, today: Date) -> i64 {
        let span = today.until((Unit::Day, self.ends));
        span.map_or(0, |span| i64::from(span.get_days()))
    }

    /// As the fact `cluster.support` has it.
    pub fn fact(&self, today: Date) -> Value {
        let mut builder = Builder::new();
        builder.begin_map(0);
        let texts = [
            ("minor", self.minor.to_string()),
            ("released", self.released.to_string()),
            ("maintenance", self.maintenance.to_string()),
            ("ends", self.ends.to_string()),
            ("state", self.phase(today).as_str().to_owned()),
        ];
        for (name, text) in texts {
            builder.key(name, 0);
            builder.str(&text, 0, 0);
        }
        builder.key("daysLeft", 0);
        builder.int(self.days_left(today), 0, 0);
        builder.end(0);
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use ironhull_model::Minor;
    use jiff::civil::date;

    use super::{Phase, WINDOWS, window};

    #[test]
    fn every_minor_from_the_oldest_to_the_newest_has_its_dates_in_order() {
        let minors: Vec<u16> = WINDOWS.iter().map(|window| window.minor.minor).collect();
        assert_eq!(minors, (20..=Minor::NEWEST.minor).collect::<Vec<_>>());
        for window in WINDOWS.iter() {
            assert!(window.released < window.maintenance && window.maintenance < window.ends);
        }
        // A new minor comes out about every four months.
        assert!(WINDOWS.windows(2).all(|pair| pair[0].released < pair[1].released));
    }

    #[test]
    fn the_phase_changes_on_the_day() {
        let window = window(Minor::v1(35)).unwrap();
        assert_eq!(window.phase(date(2026, 12, 27)), Phase::Active);
        assert_eq!(window.phase(date(2026, 12, 28)), Phase::Maintenance);
        assert_eq!(window.phase(date(2027, 2, 27)), Phase::Maintenance);
        assert_eq!(window.days_left(date(2027, 2, 27)), 1);
        assert_eq!(window.phase(date(2027, 2, 28)), Phase::Ended);
        assert_eq!(window.days_left(date(2027, 3, 10)), -10);
        assert_eq!(
            window.fact(date(2026, 11, 26)).root().to_json(),
            r#"{"minor":"1.35","released":"2025-12-17","maintenance":"2026-12-28","ends":"2027-02-28","state":"active","daysLeft":94}"#
        );
    }
}
