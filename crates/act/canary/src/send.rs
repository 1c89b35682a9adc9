//! Canaries on their way: dry runs at a polite rate, and what became of each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use ironhull_kube::Cluster;
use ironhull_model::Minor;
use ironhull_schema::{KindInfo, Scope};
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::answer::{Guard, Obstacle, Said, read};
use crate::make::{Canary, LABEL, NAME, violates};
use crate::plan::{Form, Trial};

/// How often a request is sent again to a server that is busy or does not answer.
const MOST_ATTEMPTS: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long a server may ask for rest; the API server's own longest is 32 s
/// (`pkg/util/flowcontrol/dropped_requests_tracker.go`).
const LONGEST_REST: Duration = Duration::from_secs(60);

/// How fast canaries are sent.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Requests a second, at most.
    pub per_second: u32,
    /// Requests under way, at most.
    pub at_once: usize,
}

/// What became of a canary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was refused, and its twin was not, or for something else.
    Stopped {
        /// By whom.
        by: Guard,
        /// In their words.
        message: String,
    },
    /// It was admitted, but so changed that the control holds.
    Changed,
    /// It would have been created.
    NotStopped {
        /// Who only warned of it, and how.
        warned: Option<(Guard, String)>,
    },
    /// Nothing was shown.
    Untried {
        /// Why.
        why: Obstacle,
        /// In the API server's words.
        message: String,
    },
}

impl Outcome {
    /// Whether the fault did not get in.
    pub fn is_caught(&self) -> bool {
        matches!(self, Outcome::Stopped { .. } | Outcome::Changed)
    }
}

/// A trial with its outcome.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// What was tried; the account is none where it could not be impersonated.
    pub trial: Trial,
    /// What became of it.
    pub outcome: Outcome,
    /// The kind of container in which the fault was when that happened, if it was stopped
    /// in the canary's own: it counts as stopped only where it is in both.
    pub elsewhere: Option<&'static str>,
}

/// Sends all trials; the proofs are in their order. `told` hears of each that is done.
pub async fn run(
    cluster: &Cluster,
    canaries: &[Canary<'_>],
    trials: Vec<Trial>,
    minor: Minor,
    pace: Pace,
    told: impl Fn(),
) -> Vec<Proof> {
    let now = Instant::now();
    let sender = Sender {
        cluster,
        minor,
        period: Duration::from_secs(1) / pace.per_second.max(1),
        turns: Mutex::new(Turns { next: now, held: now }),
    };
    let sender = &sender;
    let n_trials = trials.len();
    let mut sent = stream::iter(trials)
        .map(|trial| async { sender.prove(&canaries[trial.canary], trial).await })
        .buffered(pace.at_once.max(1));
    let mut proofs = Vec::with_capacity(n_trials);
    while let Some(proof) = sent.next().await {
        proofs.push(proof);
        told();
    }
    proofs
}

struct Sender<'s> {
    cluster: &'s Cluster,
    minor: Minor,
    period: Duration,
    turns: Mutex<Turns>,
}

impl Sender<'_> {
    async fn prove(&self, canary: &Canary<'_>, mut trial: Trial) -> Proof {
        let form = trial.form(canary);
        let mut said = self.send(canary, form, &trial).await;
        if matches!(said, Sent::Said(Said::Nothing { why: Obstacle::NotImpersonated, .. })) {
            trial.account = None;
            said = self.send(canary, form, &trial).await;
        }
        let outcome = self.shown(canary, form, &trial, said).await;
        let elsewhere = canary.elsewhere.as_ref().filter(|_| trial.inside.is_none());
        let Some(elsewhere) = elsewhere.filter(|_| outcome.is_caught()) else {
            return Proof { trial, outcome, elsewhere: None };
        };
        let form = Form { kind: form.kind, object: &elsewhere.object, twin: &elsewhere.twin };
        let said = self.send(canary, form, &trial).await;
        // Who let the first twin pass, and refuses this for the same, does so for the fault.
        if matches!((&outcome, &said), (Outcome::Stopped { by, .. }, Sent::Said(Said::Refused { by: own, .. })) if by == own)
        {
            return Proof { trial, outcome, elsewhere: None };
        }
        let other = self.shown(canary, form, &trial, said).await;
        match other.is_caught() {
            true => Proof { trial, outcome, elsewhere: None },
            false => Proof { trial, outcome: other, elsewhere: Some(elsewhere.container) },
        }
    }

    async fn shown(
        &self,
        canary: &Canary<'_>,
        form: Form<'_>,
        trial: &Trial,
        said: Sent,
    ) -> Outcome {
        match said {
            Sent::Changed => Outcome::Changed,
            Sent::Said(said) => self.compared(canary, form, trial, said).await,
        }
    }

    /// What an answer is worth next to that for the twin.
    async fn compared(
        &self,
        canary: &Canary<'_>,
        form: Form<'_>,
        trial: &Trial,
        said: Said,
    ) -> Outcome {
        let without_guard =
            |said: &Said| matches!(said, Said::Admitted { warnings } if warnings.is_empty());
        match said {
            Said::Nothing { why, message } => Outcome::Untried { why, message },
            Said::Busy { message } => Outcome::Untried { why: Obstacle::Unreachable, message },
            said if without_guard(&said) => Outcome::NotStopped { warned: None },
            said => {
                let twin = Form { object: form.twin, ..form };
                let twin = match self.send(canary, twin, trial).await {
                    Sent::Said(twin) => twin,
                    Sent::Changed => Said::Admitted { warnings: Vec::new() },
                };
                against(said, twin)
            }
        }
    }

    /// Sends an object until there is an answer.
    async fn send(&self, canary: &Canary<'_>, form: Form<'_>, trial: &Trial) -> Sent {
        let Form { kind, object, .. } = form;
        let collection = collection(kind, &trial.namespace);
        let body = marked(object, kind, canary, &trial.namespace);
        let user = trial.user();
        let mut wait = FIRST_WAIT;
        let mut last = String::new();
        for attempt in 0..MOST_ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            self.turn().await;
            let answer =
                self.cluster.dry_run_create(&collection, body.clone(), user.as_deref()).await;
            match answer {
                Err(error) => last = error.to_string(),
                Ok(answer) => match read(&answer) {
                    Said::Busy { message } => {
                        if let Some(asked_for) = answer.retry_after {
                            wait = asked_for.clamp(wait, LONGEST_REST);
                            self.turns().hold(wait);
                        }
                        last = message;
                    }
                    said @ Said::Admitted { .. } => {
                        let mut object: Json =
                            serde_json::from_slice(&answer.body).unwrap_or_default();
                        // With a status it would be an object that has been there for a while.
                        if let Some(map) = object.as_object_mut() {
                            map.remove("status");
                        }
                        let is_harmless = !violates(canary.control, &object, self.minor);
                        return if is_harmless { Sent::Changed } else { Sent::Said(said) };
                    }
                    said => return Sent::Said(said),
                },
            }
        }
        Sent::Said(Said::Busy { message: last })
    }

    /// Waits until the pace allows one more request.
    async fn turn(&self) {
        loop {
            let mine = self.turns().take(self.period);
            tokio::time::sleep_until(mine).await;
            if mine >= self.turns().held {
                return;
            }
        }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When requests go.
struct Turns {
    /// When the next may go.
    next: Instant,
    /// Until when none may.
    held: Instant,
}

impl Turns {
    fn take(&mut self, period: Duration) -> Instant {
        let mine = self.next.max(Instant::now());
        self.next = mine + period;
        mine
    }

    /// A server that says how long it is busy is asked nothing else meanwhile.
    fn hold(&mut self, wait: Duration) {
        self.held = self.held.max(Instant::now() + wait);
        self.next = self.next.max(self.held);
    }
}

/// What became of one request.
enum Sent {
    Said(Said),
    /// Admitted, but without the fault.
    Changed,
}

/// The outcome for a canary of which a guard spoke, beside what it said of the twin.
fn against(canary: Said, twin: Said) -> Outcome {
    match (canary, twin) {
        (Said::Refused { by, message }, Said::Refused { by: twin_by, message: twin })
            if by == twin_by && nameless(&message) == nameless(&twin) =>
        {
            Outcome::Untried { why: Obstacle::TwinRefused, message }
        }
        (Said::Refused { by, message }, Said::Refused { .. } | Said::Admitted { .. }) => {
            Outcome::Stopped { by, message }
        }
        (Said::Admitted { warnings }, Said::Admitted { warnings: of_twin }) => {
            let is_of_twin =
                |text: &str| of_twin.iter().any(|(_, twin)| nameless(twin) == nameless(text));
            Outcome::NotStopped { warned: warnings.into_iter().find(|(_, text)| !is_of_twin(text)) }
        }
        (Said::Admitted { mut warnings }, _) => Outcome::NotStopped { warned: warnings.pop() },
        (_, Said::Nothing { why, message }) => Outcome::Untried { why, message },
        (_, Said::Busy { message }) => Outcome::Untried { why: Obstacle::Unreachable, message },
        (Said::Nothing { why, message }, _) => Outcome::Untried { why, message },
        (Said::Busy { message }, _) => Outcome::Untried { why: Obstacle::Unreachable, message },
    }
}

/// A message without the names that the server made up for it.
fn nameless(message: &str) -> String {
    let mut parts = message.split(NAME);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text += part.trim_start_matches(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    }
    text
}

fn collection(kind: &KindInfo, namespace: &str) -> String {
    let namespace = (kind.scope == Scope::Namespaced).then_some(namespace);
    ironhull_kube::collection(kind.group, kind.version, kind.resource, namespace)
}

/// The request's body: where it goes, and marked so that whoever reads logs knows it.
fn marked(object: &Json, kind: &KindInfo, canary: &Canary<'_>, namespace: &str) -> Vec<u8> {
    let mut object = object.clone();
    let meta = &mut object["metadata"];
    meta["labels"][LABEL] = (*canary.control.id).into();
    if kind.scope == Scope::Namespaced {
        meta["namespace"] = namespace.into();
    }
    object.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{Guard, Obstacle, Outcome, Said, against};

    fn refused(message: &str) -> Said {
        Said::Refused {
            by: Guard::PodSecurity { level: "restricted:latest".to_owned() },
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_refusal_counts_only_where_the_twin_fares_otherwise() {
        let own = "pods \"ironhull-canary-7x2kd\" is forbidden: privileged, seccomp";
        let same = against(refused(own), refused(&own.replace("7x2kd", "bbbbb")));
        assert!(matches!(same, Outcome::Untried { why: Obstacle::TwinRefused, .. }));
        let other = refused("pods \"ironhull-canary-7x2kd\" is forbidden: seccomp");
        assert!(matches!(against(refused(own), other), Outcome::Stopped { .. }));
        let admitted = Said::Admitted { warnings: Vec::new() };
        assert!(matches!(against(refused(own), admitted), Outcome::Stopped { .. }));
        let quota = Said::Nothing { why: Obstacle::Quota, message: String::new() };
        assert!(matches!(
            against(refused(own), quota),
            Outcome::Untried { why: Obstacle::Quota, .. }
        ));
    }

    #[test]
    fn a_warning_that_the_twin_has_too_is_not_for_the_fault() {
        let warned =
            |text: &str| Said::Admitted { warnings: vec![(Guard::Admission, text.to_owned())] };
        let outcome = against(warned("a"), warned("b"));
        assert_eq!(
            outcome,
            Outcome::NotStopped { warned: Some((Guard::Admission, "a".to_owned())) }
        );
        assert_eq!(against(warned("a"), warned("a")), Outcome::NotStopped { warned: None });
    }
}
