//! Every item of a standard: met, violated, unknown or not covered.

use std::fmt::Write;

use ironhull_catalogue::StandardFile;
use ironhull_controls::{Control, Tally};
use ironhull_model::Verdict;

/// An item counts as met only when a control that maps the whole of it holds.
pub fn render(standard: &StandardFile, controls: &[&Control], tallies: &[Tally]) -> String {
    let mut out = format!("{} {}  {}\n", standard.name, standard.version, standard.title);
    let mut counts = [0; 4];
    for item in &standard.items {
        let mut whole: Vec<Verdict> = Vec::new();
        let mut partial: Vec<Verdict> = Vec::new();
        let mut by = Vec::new();
        for (control, tally) in controls.iter().zip(tallies) {
            let maps = control
                .standards
                .iter()
                .filter(|of| *of.name == *standard.name)
                .flat_map(|of| &of.items);
            for mapping in maps.filter(|mapping| *mapping.item == *item.id) {
                by.push(&*control.id);
                if mapping.part.is_none() {
                    whole.push(tally.verdict())
                } else {
                    partial.push(tally.verdict())
                }
            }
        }
        let (word, index) = state(&whole, &partial);
        counts[index] += 1;
        let reason =
            if by.is_empty() { item.needs.clone().unwrap_or_default() } else { by.join(", ") };
        _ = writeln!(
            out,
            "{word:<12} {:<28} {}{}",
            item.id,
            item.title,
            if reason.is_empty() { String::new() } else { format!("  [{reason}]") }
        );
    }
    let [met, violated, unknown, uncovered] = counts;
    _ = writeln!(out, "{met} met, {violated} violated, {unknown} unknown, {uncovered} not covered");
    out
}

fn state(whole: &[Verdict], partial: &[Verdict]) -> (&'static str, usize) {
    let any = |verdict| whole.iter().chain(partial).any(|is| *is == verdict);
    if any(Verdict::Violated) {
        ("violated", 1)
    } else if whole.is_empty() && partial.is_empty() {
        ("not covered", 3)
    } else if whole.is_empty() || any(Verdict::Unknown) {
        // Parts that hold do not make the whole hold.
        ("unknown", 2)
    } else {
        ("met", 0)
    }
}
