//! The one grammar of gates, in `--fail-on`, `Gate` documents and admission:
//! `never`, or `TERM[,TERM…]` with `TERM = [new.][STATUS.]SEVERITY[>=N]`.
//!
//! ```yaml
//! apiVersion: ironhull.dev/v1
//! kind: Gate
//! metadata: { name: payments }
//! spec: { scope: [{ namespace: "payments*" }], failOn: "medium" }
//! ```

use std::fmt;
use std::str::FromStr;

use ironhull_model::finding::Rung;
use ironhull_model::{Code, Diagnostic, Finding, Node, Place, Severity, SourceId, Verdict, World};

use crate::reader::Reader;
use crate::scope::Scope;

/// What makes a check fail. Empty means never.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gate(Vec<Term>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Term {
    only_new: bool,
    status: Option<Box<str>>,
    severity: Severity,
    at_least: usize,
}

/// What a gate looks at in a finding.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// Its severity.
    pub severity: Severity,
    /// Not there the last time.
    pub is_new: bool,
    /// The vendor's status of a vulnerability; none for configuration.
    pub status: Option<&'a str>,
}

/// A gate that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct ParseGateError(pub String);

/// A gate for a part of the estate (BLD-23).
#[derive(Clone, Debug)]
pub struct ScopedGate {
    name: Box<str>,
    /// Where its `failOn` stands.
    place: Option<Place>,
    scope: Scope,
    gate: Gate,
}

/// What gates say of findings.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whether any gate fails.
    pub fails: bool,
    /// The findings that gates look at, by their index.
    pub looked_at: Vec<usize>,
    /// Each gate: those of parts of the estate in their order, then that of the rest.
    pub gates: Vec<OfGate>,
}

/// What one gate says of the findings that it covers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfGate {
    /// The name of a `Gate`; none for the gate of the rest.
    pub name: Option<Box<str>>,
    /// Where the `Gate` says what fails.
    pub place: Option<Place>,
    /// What fails, in the grammar of gates.
    pub fail_on: String,
    /// How many findings it covers that count somewhere.
    pub n_covered: usize,
    /// How many of them it looks at.
    pub n_counted: usize,
    /// Whether it fails.
    pub fails: bool,
}

/// Reads a `Gate` document.
pub fn read(
    document: Node<'_>,
    source: SourceId,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ScopedGate> {
    let before = diagnostics.len();
    let mut reader = Reader::new(document, source, Code::PolicyInvalid, diagnostics);
    reader.also_known(&["apiVersion", "kind", "metadata"]);
    let spec = reader.required("spec");
    reader.finish();
    let name = document.path(&["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
    let span = spec.and_then(|spec| spec.get("failOn")?.span());
    let place = span.map(|span| Place { source, start: span.key, end: span.end });
    let mut reader = Reader::new(spec?, source, Code::PolicyInvalid, diagnostics);
    let scope = Scope::read(&mut reader, "scope");
    if scope.is_empty() {
        reader.wrong(reader.node(), "scope is empty; the gate of the rest is --fail-on");
    }
    let text = reader.required_str("failOn");
    let gate = text.and_then(|text| {
        text.parse().map_err(|ParseGateError(why)| reader.wrong(reader.node(), why)).ok()
    });
    reader.finish();
    let gate = ScopedGate { name: name.into(), place, scope, gate: gate? };
    (diagnostics.len() == before).then_some(gate)
}

/// The gates of an estate: scoped ones, and one for what none of them covers.
#[derive(Clone, Debug)]
pub struct Gates {
    /// In the order in which they were read; the first that covers a finding counts it.
    pub scoped: Vec<ScopedGate>,
    /// For the rest.
    pub rest: Gate,
}

impl Gates {
    /// What gates say of findings. `is_new` tells by index whether one was not there before. Accepted findings, and
    /// those of policies that only observe or warn, count nowhere.
    pub fn judge(
        &self,
        findings: &[Finding],
        world: World<'_>,
        is_new: &dyn Fn(usize) -> bool,
    ) -> Said {
        let mut counted: Vec<Vec<(usize, Counted<'_>)>> = vec![Vec::new(); self.scoped.len() + 1];
        for (index, finding) in findings.iter().enumerate() {
            let is_new = is_new(index);
            let counts = finding.verdict == Verdict::Violated
                && finding.accepted.is_none()
                && match finding.rung {
                    Rung::Observe | Rung::Warn => false,
                    Rung::StopNew => is_new,
                    Rung::Stop => true,
                };
            if !counts {
                continue;
            }
            let covers = |scoped: &ScopedGate| {
                let object = world.get(&finding.subject).map(|object| &**object);
                scoped.scope.has(&finding.subject, object)
            };
            let gate = self.scoped.iter().position(covers).unwrap_or(self.scoped.len());
            let severity = finding.severity;
            counted[gate].push((index, Counted { severity, is_new, status: None }));
        }
        let named = self.scoped.iter().map(|it| (Some(it.name.clone()), it.place, &it.gate));
        let mut said = Said { fails: false, looked_at: Vec::new(), gates: Vec::new() };
        for ((name, place, gate), counted) in named.chain([(None, None, &self.rest)]).zip(&counted)
        {
            let fails = gate.failing(counted.iter().map(|(_, counted)| *counted)).is_some();
            let looked_at = counted.iter().filter(|(_, counted)| gate.looks_at(counted));
            let before = said.looked_at.len();
            said.looked_at.extend(looked_at.map(|(at, _)| *at));
            said.fails |= fails;
            said.gates.push(OfGate {
                name,
                place,
                fail_on: gate.to_string(),
                n_covered: counted.len(),
                n_counted: said.looked_at.len() - before,
                fails,
            });
        }
        said
    }
}

/// Statuses that vendors give vulnerabilities (BLD-13).
const STATUSES: [&str; 8] = [
    "open",
    "fixed",
    "will-not-fix",
    "deferred",
    "affected",
    "not-affected",
    "under-investigation",
    "end-of-life",
];

impl FromStr for Gate {
    type Err = ParseGateError;

    fn from_str(text: &str) -> Result<Gate, ParseGateError> {
        if text.trim() == "never" {
            return Ok(Gate(Vec::new()));
        }
        text.split(',').map(|term| parse_term(term.trim())).collect::<Result<_, _>>().map(Gate)
    }
}

fn parse_term(text: &str) -> Result<Term, ParseGateError> {
    let error = |what: String| {
        ParseGateError(format!("{what}; write [new.][STATUS.]SEVERITY[>=N], or never"))
    };
    let (names, at_least) = match text.split_once(">=") {
        None => (text, 1),
        Some((names, number)) => {
            let number = number.trim().parse().ok().filter(|number| *number > 0);
            (
                names.trim(),
                number.ok_or_else(|| {
                    error(format!("{text:?} has no count of 1 or more behind >="))
                })?,
            )
        }
    };
    let (only_new, names) = match names.strip_prefix("new.") {
        Some(rest) => (true, rest),
        None => (false, names),
    };
    let (status, severity) = match names.rsplit_once('.') {
        Some((status, severity)) => (Some(status), severity),
        None => (None, names),
    };
    if let Some(status) = status.filter(|status| !STATUSES.contains(status)) {
        return Err(error(format!("{status:?} is not a status: {}", STATUSES.join(", "))));
    }
    let severity = severity.parse().map_err(error)?;
    Ok(Term { only_new, status: status.map(Into::into), severity, at_least })
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("never");
        }
        for (index, term) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let new = if term.only_new { "new." } else { "" };
            write!(f, "{comma}{new}")?;
            if let Some(status) = &term.status {
                write!(f, "{status}.")?;
            }
            f.write_str(term.severity.as_str())?;
            if term.at_least > 1 {
                write!(f, ">={}", term.at_least)?;
            }
        }
        Ok(())
    }
}

impl Gate {
    /// The gate when nothing is said: any finding that is high or worse.
    pub fn high() -> Gate {
        Gate(vec![Term { only_new: false, status: None, severity: Severity::High, at_least: 1 }])
    }

    /// How many findings count against the gate, when it fails; none when it passes.
    pub fn failing<'a>(
        &self,
        findings: impl Iterator<Item = Counted<'a>> + Clone,
    ) -> Option<usize> {
        self.0.iter().find_map(|term| {
            let n = findings.clone().filter(|finding| term.counts(finding)).count();
            (n >= term.at_least).then_some(n)
        })
    }

    /// Whether a single finding is one that the gate looks at.
    pub fn looks_at(&self, finding: &Counted<'_>) -> bool {
        self.0.iter().any(|term| term.counts(finding))
    }

    /// The least severity that the gate looks at, for the closing line.
    pub fn threshold(&self) -> Option<Severity> {
        self.0.iter().map(|term| term.severity).min()
    }
}

impl Term {
    fn counts(&self, finding: &Counted<'_>) -> bool {
        finding.severity >= self.severity
            && (finding.is_new || !self.only_new)
            && self.status.as_deref().is_none_or(|status| finding.status == Some(status))
    }
}

#[cfg(test)]
mod tests {
    use ironhull_claims::claims;
    use ironhull_model::Severity;

    use super::{Counted, Gate, STATUSES};

    fn findings(n: usize, severity: Severity) -> Vec<Counted<'static>> {
        (0..n).map(|index| Counted { severity, is_new: index == 0, status: None }).collect()
    }

    fn fails(gate: &str, findings: &[Counted<'_>]) -> bool {
        gate.parse::<Gate>().unwrap().failing(findings.iter().copied()).is_some()
    }

    #[test]
    fn counts_flip_at_exactly_the_number() {
        let nine = findings(9, Severity::Critical);
        let ten = findings(10, Severity::Critical);
        assert!(!fails("critical>=10", &nine) && fails("critical>=10", &ten));
        assert!(fails("high", &nine), "a threshold includes what is worse");
        assert!(!fails("never", &ten));
        assert!(!fails("new.critical>=2", &ten) && fails("new.critical", &ten));
        assert!(!fails("fixed.high", &ten));
        assert!(fails("critical>=100,high>=10", &ten));
    }

    #[test]
    #[claims("BLD-13")]
    fn a_gate_looks_at_one_of_eight_statuses() {
        assert_eq!(STATUSES.len(), 8);
        for wanted in STATUSES {
            let gate: Gate = format!("{wanted}.high>=2").parse().unwrap();
            for status in STATUSES {
                let one = Counted { severity: Severity::High, is_new: true, status: Some(status) };
                assert!(gate.failing([one].into_iter()).is_none(), "one {status} is not two");
                let failing = gate.failing([one, one].into_iter());
                assert_eq!(failing.is_some(), status == wanted, "{wanted} and two of {status}");
            }
            let without = Counted { severity: Severity::Critical, is_new: true, status: None };
            assert!(gate.failing([without, without].into_iter()).is_none());
        }
    }

    #[test]
    fn a_gate_says_itself() {
        for text in ["never", "high", "new.critical", "fixed.high>=2", "critical>=100,new.high>=10"]
        {
            assert_eq!(text.parse::<Gate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_told() {
        for bad in ["hgih", "critical>=0", "critical>=x", "new.", "unheard.high", ""] {
            assert!(bad.parse::<Gate>().is_err(), "{bad}");
        }
    }
}
