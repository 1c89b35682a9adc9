//! Values of 5,000 live-shaped pods hold at most 2.5 times the bytes of their
//! compact JSON, as the values count themselves and as the process grows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use ironhull_model::Value;
use ironhull_testkit::live;
use ironhull_testkit::rng::Rng;

const N_PODS: usize = 5_000;

/// Bytes of this process that are in memory; none where the system does not say.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let n_pages: usize = statm.split(' ').nth(1)?.parse().ok()?;
    Some(n_pages * 4096)
}

#[test]
fn values_are_small() {
    let mut rng = Rng::new(67);
    let texts: Vec<String> = (0..N_PODS).map(|number| live::pod(&mut rng, number)).collect();
    let n_bytes: usize = texts.iter().map(String::len).sum();
    let before = resident();
    let values: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let after = resident();
    assert_eq!(values[7].root().to_json(), texts[7]);
    let counted: usize = values.iter().map(Value::resident_bytes).sum();
    let ratio = |bytes: usize| bytes as f64 / n_bytes as f64;
    let grown = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    println!(
        "{N_PODS} pods, {} bytes of JSON each; values {:.2} times that, the process grew {:.2} times that",
        n_bytes / N_PODS,
        ratio(counted),
        grown.map_or(f64::NAN, ratio),
    );
    assert!(ratio(counted) <= 2.5);
    assert!(grown.is_none_or(|grown| ratio(grown) <= 2.5 && grown * 10 >= counted * 9));
}
