//! Every item of a standard: met, violated, unknown or not covered.

use std::fmt::Write;

use ironhull_catalogue::{StandardFile, StandardItem};
use ironhull_controls::{Control, Tally};
use ironhull_model::Verdict;

/// An item counts as met only when a control that maps the whole of it holds, or
/// when each of the parts that the standard's file names for it does.
pub fn render(standard: &StandardFile, controls: &[&Control], tallies: &[Tally]) -> String {
    let mut out = format!("{} {}  {}\n", standard.name, standard.version, standard.title);
    let mut counts = [0; 4];
    let width = standard.items.iter().map(|item| item.id.len()).max().unwrap_or(0);
    for item in &standard.items {
        let claims = claims(standard, item, controls, tallies);
        let (word, index) = state(item, &claims);
        counts[index] += 1;
        let by: Vec<&str> = claims.iter().map(|claim| claim.control).collect();
        // What configuration cannot say is told beside what it can.
        let needs = item.needs.iter().map(|needs| format!("  needs: {needs}"));
        let by = (!by.is_empty()).then(|| format!("  [{}]", by.join(", ")));
        let tail: String = by.into_iter().chain(needs).collect();
        _ = writeln!(out, "{word:<12} {:<width$} {}{tail}", item.id, item.title);
    }
    let [met, violated, unknown, uncovered] = counts;
    _ = writeln!(out, "{met} met, {violated} violated, {unknown} unknown, {uncovered} not covered");
    out
}

/// A control that maps an item, or a part of it.
struct Claim<'a> {
    control: &'a str,
    part: Option<&'a str>,
    verdict: Verdict,
}

fn claims<'a>(
    standard: &StandardFile,
    item: &StandardItem,
    controls: &[&'a Control],
    tallies: &[Tally],
) -> Vec<Claim<'a>> {
    let mut claims = Vec::new();
    for (control, tally) in controls.iter().zip(tallies) {
        let of = control.standards.iter().filter(|of| *of.name == *standard.name);
        let mappings = of.flat_map(|of| &of.items).filter(|mapping| *mapping.item == *item.id);
        claims.extend(mappings.map(|mapping| Claim {
            control: &control.id,
            part: mapping.part.as_deref(),
            verdict: tally.verdict(),
        }));
    }
    claims
}

fn state(item: &StandardItem, claims: &[Claim<'_>]) -> (&'static str, usize) {
    let any = |verdict| claims.iter().any(|claim| claim.verdict == verdict);
    let whole = claims.iter().any(|claim| claim.part.is_none());
    let has_part = |part: &String| claims.iter().any(|claim| claim.part == Some(part));
    let all_parts = !item.parts.is_empty() && item.parts.iter().all(has_part);
    if any(Verdict::Violated) {
        ("violated", 1)
    } else if claims.is_empty() {
        ("not covered", 3)
    } else if any(Verdict::Unknown) || !whole && !all_parts {
        // Parts that hold do not make the whole hold.
        ("unknown", 2)
    } else {
        ("met", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, StandardItem, Verdict, state};

    fn check(parts: &[&str], claims: &[(Option<&str>, Verdict)]) -> &'static str {
        let item = StandardItem {
            id: "1".to_owned(),
            title: String::new(),
            needs: None,
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
        };
        let claims: Vec<Claim<'_>> = claims
            .iter()
            .map(|(part, verdict)| Claim { control: "c", part: *part, verdict: *verdict })
            .collect();
        state(&item, &claims).0
    }

    #[test]
    fn an_item_is_met_by_a_whole_or_by_all_of_its_parts() {
        let (holds, violated, unknown) = (Verdict::Holds, Verdict::Violated, Verdict::Unknown);
        assert_eq!(check(&[], &[]), "not covered");
        assert_eq!(check(&[], &[(None, holds)]), "met");
        assert_eq!(check(&[], &[(None, holds), (Some("a"), violated)]), "violated");
        assert_eq!(check(&[], &[(Some("a"), holds)]), "unknown");
        assert_eq!(check(&["a", "b"], &[(Some("a"), holds)]), "unknown");
        assert_eq!(check(&["a", "b"], &[(Some("a"), holds), (Some("b"), holds)]), "met");
        assert_eq!(check(&["a", "b"], &[(Some("a"), holds), (Some("b"), unknown)]), "unknown");
    }
}
