//! What a log shows of somebody: his requests, and what other servers asked about him.

use std::collections::BTreeMap;

use ironhull_access::{Access, Identity, Subject};
use ironhull_audit::{Event, Review, Used};
use ironhull_model::Minor;
use serde_json::{Value as Json, json};

use crate::commands::access::who_did::is;

/// How many servers are named.
const MOST_NAMED: usize = 3;

/// Of whom a log is read.
pub(super) struct Of<'o, 'a> {
    pub(super) subject: &'o Subject,
    pub(super) who: &'o Identity,
    /// What is granted now.
    pub(super) bound: &'o Access<'a>,
    pub(super) minor: Minor,
}

impl Of<'_, '_> {
    /// What an event says that he was allowed; nothing when it is not about him.
    pub(super) fn used<'e>(&self, event: &'e Event<'_>) -> Vec<Used<'e>> {
        let mut all = Vec::new();
        if is(self.subject, event.actor()) {
            all.extend(event.used(self.minor));
        }
        if event.impersonated_user.is_some() && is(self.subject, &event.user) {
            all.extend(event.impersonated());
        }
        all.extend(self.reviewed(event));
        all
    }

    /// What another server was told that he may; where the log does not hold the answer,
    /// what he may now.
    fn reviewed<'e>(&self, event: &'e Event<'_>) -> Option<Used<'e>> {
        let Review::Access { user, what, allowed } = event.review()? else { return None };
        let used = what.used().filter(|_| is(self.subject, user))?;
        allowed.unwrap_or_else(|| used.is_allowed(self.bound, self.who)).then_some(used)
    }
}

/// By who asked, how often.
type Askers = BTreeMap<String, u64>;

/// What other servers asked.
#[derive(Default)]
pub(super) struct Reviews {
    /// About the subject, and he was allowed.
    counted: Askers,
    /// Of these the log does not hold about whom.
    unread: Askers,
    /// Who the subject is, by a token.
    tokens: Askers,
    /// Of these the log does not hold about whom.
    tokens_unread: Askers,
    /// Whether the log holds any with its content.
    has_content: bool,
}

impl Reviews {
    pub(super) fn add(&mut self, of: &Of<'_, '_>, event: &Event<'_>) {
        let Some(review) = event.review() else { return };
        self.has_content |= matches!(review, Review::Access { .. });
        let askers = match review {
            Review::Access { .. } if of.reviewed(event).is_some() => &mut self.counted,
            Review::Token(user) if is(of.subject, user) => &mut self.tokens,
            Review::AccessOfSomebody => &mut self.unread,
            Review::TokenOfSomebody => &mut self.tokens_unread,
            Review::Access { .. } | Review::Token(_) => return,
        };
        *askers.entry(event.actor().username.to_string()).or_default() += 1;
    }

    /// Whether what other servers asked is known.
    pub(super) fn are_told(&self) -> bool {
        self.has_content && self.unread.is_empty()
    }

    /// What a person should know of them.
    pub(super) fn notes(&self) -> Vec<String> {
        let told = [
            (&self.counted, "counted: SubjectAccessReviews about it that were allowed, of"),
            (
                &self.unread,
                "not counted: SubjectAccessReviews that the log holds without their content (level Metadata), so that it is not known about whom, of",
            ),
            (
                &self.tokens,
                "it showed its token to other servers, which these rights do not limit (TokenReviews), of",
            ),
            (
                &self.tokens_unread,
                "not known: whose tokens TokenReviews were about that the log holds without their answer, of",
            ),
        ];
        let notes = told.into_iter().filter(|(askers, _)| !askers.is_empty());
        notes.map(|(askers, what)| format!("{what} {}", shown(askers))).collect()
    }

    pub(super) fn json(&self) -> Json {
        json!({"counted": self.counted, "unread": self.unread, "tokens": self.tokens,
            "tokensUnread": self.tokens_unread})
    }
}

/// `system:node:a 12, system:node:b 3`, those who asked most first.
fn shown(askers: &Askers) -> String {
    let mut all: Vec<(&String, &u64)> = askers.iter().collect();
    all.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let named = all.iter().take(MOST_NAMED).map(|(who, n)| format!("{who} {n}"));
    let mut text = named.collect::<Vec<_>>().join(", ");
    if let Some(more) = all.get(MOST_NAMED..).filter(|more| !more.is_empty()) {
        let n: u64 = more.iter().map(|(_, n)| **n).sum();
        text += &format!(", {} others {n}", more.len());
    }
    text
}
