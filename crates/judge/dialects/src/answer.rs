//! What comes of a request, the mutating policies included.

use ironhull_controls::left_out::LeftOut;
use ironhull_model::Value;

use crate::decide;
use crate::decision::{Decision, Doubt, Ran};
use crate::mutate::{self, Mutated};
use crate::plugins::Possible;
use crate::policies::Policies;
use crate::policy::Action;
use crate::registry;
use crate::request::{Known, Request};

/// What comes of a request.
#[derive(Debug)]
pub struct Answer<'e> {
    /// What the mutating policies make of its object. With a status the request ends
    /// there; with doubts it is not known what the validating policies are asked about.
    pub mutated: Mutated<'e>,
    /// What the API server's registry makes of that, as validating policies are asked about
    /// it; none where it makes nothing of it.
    pub prepared: Option<Value>,
    /// What the validating policies say of what comes out. Where that is not known,
    /// those that read it are doubts.
    pub decision: Decision<'e>,
}

/// What an evaluation, or a refusal, is of: the policy and the binding.
type Of<'e> = (&'e str, Option<&'e str>);

pub(crate) fn answer<'e>(
    policies: &'e Policies<'e>,
    request: &Request<'e>,
    forms: &'e [Possible],
) -> Answer<'e> {
    let of = |form: &'e Possible| {
        let object = Known::Some(&form.value);
        of_one(policies, &Request { object, ..*request })
    };
    let Some((first, others)) = forms.split_first() else { return of_one(policies, request) };
    let mut answer = of(first);
    for form in others {
        compare(&mut answer, of(form), &form.unknown);
    }
    let object = Known::Some(&first.value);
    answer.decision.settle(&Request { object, ..*request });
    answer
}

fn of_one<'e>(policies: &'e Policies<'e>, request: &Request<'e>) -> Answer<'e> {
    let mutated = match policies.mutating.is_empty() {
        true => Mutated::untouched(),
        false => mutate::mutate(policies, request),
    };
    let mut left = *request;
    let open = what_is_open(&mutated).or_else(|| {
        let is_changed = mutated.applied.iter().any(|applied| applied.changed);
        let is_part = request.left_out != LeftOut::Nothing;
        (is_part && is_changed)
            .then(|| "the object, of which a part was read, as policies change it".to_owned())
    });
    if open.is_some() {
        left.object = Known::Unknown;
    } else if let Some(object) = mutated.object.as_ref().filter(|_| !mutated.applied.is_empty()) {
        left.object = Known::Some(object);
        left.is_mutated = true;
    }
    let prepared = prepared(policies, &left);
    let mut decision = match prepared.first() {
        None => decide::review(policies, &left),
        Some(object) => decide::review(policies, &as_prepared(&left, object)),
    };
    for other in prepared.iter().skip(1) {
        let request = as_prepared(&left, other);
        compare_decisions(&mut decision, decide::review(policies, &request), MADE_UP);
        decision.settle(&request);
    }
    for doubt in decision.doubts.iter_mut().filter(|_| open.is_some()) {
        let rest = doubt.missing.strip_prefix("the object");
        let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(','));
        if let (Some(rest), Some(open)) = (rest, &open) {
            doubt.missing = format!("{open}{rest}");
        }
    }
    Answer { mutated, prepared: prepared.into_iter().next(), decision }
}

/// What the two forms that the registry may make of an object differ in.
const MADE_UP: &str =
    "what only a running cluster makes up, such as addresses, ports, names, uids and times";

/// The forms that the registry makes of the object that validating policies are asked
/// about.
fn prepared(policies: &Policies<'_>, left: &Request<'_>) -> Vec<Value> {
    let (estate, Some(object)) = (policies.estate(), left.object.value()) else {
        return Vec::new();
    };
    if policies.validating.is_empty() || left.is_stored {
        return Vec::new();
    }
    match left.is_mutated {
        true => registry::prepared(estate, left, object),
        false => registry::prepared(estate, left, &estate.written(left.kind, object)),
    }
}

fn as_prepared<'s>(left: &Request<'s>, object: &'s Value) -> Request<'s> {
    Request { object: Known::Some(object), is_mutated: true, is_prepared: true, ..*left }
}

/// What is not known of the object that validating policies would be asked about.
fn what_is_open(mutated: &Mutated<'_>) -> Option<String> {
    if let Some(doubt) = mutated.doubts.first() {
        return Some(format!("the object as {} leaves it ({})", doubt.policy, doubt.missing));
    }
    let failure = mutated.failures.iter().find(|failure| failure.denies);
    mutated.status.as_ref().map(|_| match failure {
        Some(failure) => format!("the object as {} would leave it, which fails", failure.policy),
        None => "the object as mutating policies would leave it, which fail".to_owned(),
    })
}

/// Takes for unknown what is answered otherwise about another form of the object.
fn compare<'e>(answer: &mut Answer<'e>, other: Answer<'e>, unknown: &str) {
    let doubt = |of, may_deny| doubt(of, may_deny, unknown);
    if answer.mutated.status.is_some() != other.mutated.status.is_some() {
        let failures = answer.mutated.failures.iter().chain(&other.mutated.failures);
        let doubts = failures.take(1).map(|failure| doubt((failure.policy, failure.binding), true));
        let doubts: Vec<_> = doubts.collect();
        answer.mutated.doubts.extend(doubts);
        answer.mutated.status = None;
    } else if answer.mutated.doubts.is_empty() {
        answer.mutated.doubts = other.mutated.doubts;
    }
    compare_decisions(&mut answer.decision, other.decision, unknown);
}

fn doubt<'e>((policy, binding): Of<'e>, may_deny: bool, unknown: &str) -> Doubt<'e> {
    Doubt { policy, binding, may_deny, missing: unknown.to_owned() }
}

fn compare_decisions<'e>(first: &mut Decision<'e>, second: Decision<'e>, unknown: &str) {
    let mut differing: Vec<(Of<'e>, bool)> = Vec::new();
    let mut note = |of: Of<'e>, may_deny: bool| {
        if !differing.iter().any(|(known, _)| *known == of) {
            differing.push((of, may_deny));
        }
    };
    for (own, others) in [(&*first, &second), (&second, &*first)] {
        for ran in own.ran.iter().filter(|ran| !others.ran.iter().any(|it| is_alike(ran, it))) {
            note((ran.policy, Some(ran.binding)), ran.actions.contains(&Action::Deny));
        }
        for denial in &own.denials {
            let of = (denial.policy, denial.binding);
            if !others.denials.iter().any(|it| (it.policy, it.binding) == of) {
                note(of, true);
            }
        }
    }
    let new = second.doubts.into_iter().filter(|doubt| !first.doubts.contains(doubt));
    let new: Vec<_> = new.collect();
    first.doubts.extend(new);
    if differing.is_empty() {
        return;
    }
    let is_open = |of: Of<'e>| differing.iter().any(|(known, _)| *known == of);
    first.ran.retain(|ran| !is_open((ran.policy, Some(ran.binding))));
    first.denials.retain(|denial| !is_open((denial.policy, denial.binding)));
    first.warnings.retain(|warning| second.warnings.contains(warning));
    first.audit.retain(|key, value| second.audit.get(key) == Some(value));
    for (of, may_deny) in differing {
        if !first.doubts.iter().any(|known| (known.policy, known.binding) == of) {
            first.doubts.push(doubt(of, may_deny, unknown));
        }
    }
}

/// Whether two evaluations came to the same, whatever they say of it.
fn is_alike(a: &Ran<'_>, b: &Ran<'_>) -> bool {
    let gave = |ran: &Ran<'_>| -> Vec<_> {
        ran.said.iter().map(|said| (said.index, said.outcome.clone(), said.denies)).collect()
    };
    (a.policy, a.binding, &a.param) == (b.policy, b.binding, &b.param) && gave(a) == gave(b)
}
