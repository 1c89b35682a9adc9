//! Numbers for the field names of Kubernetes' schemas, so that maps compare
//! `u32`s instead of strings. `keys.txt` is generated from the OpenAPI documents
//! of the supported minors (`cargo xtask schema`); a name that is not there works
//! as well, only slower.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// From here on a number means a name of one value only.
pub(crate) const LOCAL: u32 = 1 << 20;

static KEYS: LazyLock<(Vec<&'static str>, FxHashMap<&'static str, u32>)> = LazyLock::new(|| {
    let names: Vec<&'static str> = include_str!("keys.txt").lines().collect();
    let numbers = names.iter().zip(0..).map(|(name, number)| (*name, number)).collect();
    (names, numbers)
});

pub(crate) fn number(name: &str) -> Option<u32> {
    KEYS.1.get(name).copied()
}

pub(crate) fn text(number: u32) -> &'static str {
    KEYS.0[number as usize]
}
