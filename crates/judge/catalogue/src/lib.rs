//! The controls that ship with the product, compiled by the build script and
//! carried as data. Nothing is parsed or type-checked at run time.

use std::sync::LazyLock;

use ironhull_controls::Control;
use ironhull_controls::packs::Pack;

mod standard;

pub use standard::{StandardFile, StandardItem};

static CONTROLS: LazyLock<Vec<Control>> = LazyLock::new(|| {
    postcard::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/controls.bin")))
        .unwrap_or_default()
});

static STANDARDS: LazyLock<Vec<StandardFile>> = LazyLock::new(|| {
    postcard::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/standards.bin")))
        .unwrap_or_default()
});

static PACKS: LazyLock<Vec<Pack>> = LazyLock::new(|| {
    postcard::from_bytes(include_bytes!(concat!(env!("OUT_DIR"), "/packs.bin"))).unwrap_or_default()
});

/// Every pack of by-design exceptions, by file name.
pub fn packs() -> &'static [Pack] {
    &PACKS
}

/// Every control, by id.
pub fn controls() -> &'static [Control] {
    &CONTROLS
}

/// Every standard.
pub fn standards() -> &'static [StandardFile] {
    &STANDARDS
}

#[cfg(test)]
mod packs_tests;
#[cfg(test)]
mod tests;
