//! What the expressions consist of: the comparison is only worth as much as its mix.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::grammar::Grammar;
use crate::{Expression, Outcome};

/// No overload or macro is in fewer accepted expressions of a minor that has it.
const LEAST_HITS: usize = 50;

/// Prints the mix and asserts its minima.
pub(crate) fn check(grammar: &Grammar, expressions: &[Expression], outcomes: &[Outcome]) {
    let texts: BTreeSet<&str> =
        expressions.iter().filter(|one| one.rule.is_some()).map(|one| one.text.as_str()).collect();
    let rules: BTreeSet<&str> = expressions.iter().filter_map(|one| one.rule.as_deref()).collect();
    let (mut n_generated, mut n_refused, mut n_errors, mut n_ill_typed) = (0, 0, 0, 0);
    let mut hits: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (expression, outcome) in expressions.iter().zip(outcomes) {
        if expression.rule.is_some() {
            continue;
        }
        n_generated += 1;
        n_refused += usize::from(*outcome == Outcome::Refused);
        n_errors += usize::from(matches!(outcome, Outcome::Error(..)));
        n_ill_typed += usize::from(expression.ill_typed);
        if *outcome != Outcome::Refused {
            let none = || vec![0; grammar.templates.len()];
            let hits = hits.entry(expression.minor).or_insert_with(none);
            expression.labels.iter().for_each(|&label| hits[label] += 1);
        }
    }
    let least = table(grammar, &hits);
    println!(
        "{} hand-written expressions of {} rules; {n_generated} generated, {n_ill_typed} of them \
         ill-typed: {n_refused} refused, {n_errors} errors, {} values; {} overloads and macros, \
         each in at least {least} accepted expressions of every minor that has it",
        texts.len(),
        rules.len(),
        n_generated - n_refused - n_errors,
        grammar.templates.len()
    );
    assert!(texts.len() >= 400, "hand-written expressions");
    assert!(n_generated >= 30_000, "generated expressions");
    assert!((n_refused + n_errors) * 10 >= n_generated * 3, "expressions that end in errors");
    assert!(n_ill_typed >= 5_000, "ill-typed expressions");
    assert!(least >= LEAST_HITS, "an overload or macro is too rare");
}

/// Overloads and macros by minor; gives the smallest number.
fn table(grammar: &Grammar, hits: &BTreeMap<u32, Vec<usize>>) -> usize {
    let mut least = usize::MAX;
    for (at, template) in grammar.templates.iter().enumerate() {
        let mut row = format!("{:42}", template.label);
        for (minor, hits) in hits {
            if template.since > *minor {
                row += "     -";
                continue;
            }
            least = least.min(hits[at]);
            _ = write!(row, "{:6}", hits[at]);
        }
        println!("{row}");
    }
    least
}
