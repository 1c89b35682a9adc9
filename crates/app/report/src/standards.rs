//! Every item of a standard: met, violated, unknown or not covered.

use std::fmt::Write;

use ironhull_catalogue::{StandardFile, StandardItem};
use ironhull_controls::{Control, Tally};
use ironhull_model::Verdict;

/// An item counts as met only when a control that maps the whole of it holds, or
/// when each of the parts that the standard's file names for it does.
pub fn render(standard: &StandardFile, controls: &[&Control], tallies: &[Tally]) -> String {
    let mut out = format!("{} {}  {}\n", standard.name, standard.version, standard.title);
    let width = standard.items.iter().map(|item| item.id.len()).max().unwrap_or(0);
    let mut states = Vec::new();
    for item in &standard.items {
        let claims = claims(standard, item, controls, tallies);
        let state = match state(item, &claims) {
            State::NotCovered if is_in_catalogue(standard, item) => State::NotAsked,
            state => state,
        };
        states.push(state);
        let by: Vec<&str> = claims.iter().map(|claim| claim.control).collect();
        // What configuration cannot say is told beside what it can.
        let needs = item.needs.iter().map(|needs| format!("  needs: {needs}"));
        let by = (!by.is_empty()).then(|| format!("  [{}]", by.join(", ")));
        let tail: String = by.into_iter().chain(needs).collect();
        _ = writeln!(out, "{:<15} {:<width$} {}{tail}", state.word(), item.id, item.title);
    }
    let counted = State::ALL.iter().filter_map(|(state, word)| {
        let n = states.iter().filter(|other| *other == state).count();
        // The last two are told only where there are any.
        let shown = n > 0 || !matches!(state, State::NotApplicable | State::NotAsked);
        shown.then(|| format!("{n} {word}"))
    });
    out += &counted.collect::<Vec<_>>().join(", ");
    out.push('\n');
    out
}

/// Whether some control answers for an item, though the check left it out.
fn is_in_catalogue(standard: &StandardFile, item: &StandardItem) -> bool {
    let standards = ironhull_catalogue::controls().iter().flat_map(|control| &control.standards);
    let mut mappings = standards.filter(|of| *of.name == *standard.name).flat_map(|of| &of.items);
    mappings.any(|mapping| *mapping.item == *item.id)
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

fn state(item: &StandardItem, claims: &[Claim<'_>]) -> State {
    let any = |verdict| claims.iter().any(|claim| claim.verdict == verdict);
    let holds = |part: Option<&str>| {
        claims.iter().any(|claim| claim.part == part && claim.verdict == Verdict::Holds)
    };
    let whole = holds(None);
    let all_parts = !item.parts.is_empty() && item.parts.iter().all(|part| holds(Some(part)));
    if claims.is_empty() {
        State::NotCovered
    } else if any(Verdict::Violated) {
        State::Violated
    } else if any(Verdict::Unknown) {
        State::Unknown
    } else if whole || all_parts {
        State::Met
    } else if claims.iter().all(|claim| claim.verdict == Verdict::NotApplicable)
        || claims.iter().any(|claim| claim.part.is_none())
    {
        // There was nothing to judge, or no policy says what is wanted.
        State::NotApplicable
    } else {
        // Parts that hold do not make the whole hold.
        State::Unknown
    }
}

/// What a standard's item comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Met,
    Violated,
    Unknown,
    NotCovered,
    NotApplicable,
    /// The last check left its controls out.
    NotAsked,
}

impl State {
    const ALL: [(State, &'static str); 6] = [
        (State::Met, "met"),
        (State::Violated, "violated"),
        (State::Unknown, "unknown"),
        (State::NotCovered, "not covered"),
        (State::NotApplicable, "not applicable"),
        (State::NotAsked, "not asked"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
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
        state(&item, &claims).word()
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
        let nothing = Verdict::NotApplicable;
        assert_eq!(check(&[], &[(None, nothing)]), "not applicable");
        assert_eq!(check(&[], &[(None, nothing), (Some("a"), holds)]), "not applicable");
        assert_eq!(check(&[], &[(Some("a"), nothing), (Some("b"), holds)]), "unknown");
    }
}
