//! What other servers asked about somebody: SubjectAccessReviews and TokenReviews.
//!
//! They stand in the log as requests of those servers. About whom, and what was answered,
//! the log holds from the levels Request and RequestResponse on.

use std::borrow::Cow;

use ironhull_access::usage::Used;
use serde::Deserialize;

use crate::event::{Event, User, texts};

const AUTHORIZATION: &str = "authorization.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";

/// A question of another server.
#[derive(Debug)]
pub enum Review<'a> {
    /// Whether somebody may do something.
    Access {
        /// Who.
        user: User<'a>,
        /// What he would do.
        what: What<'a>,
        /// The answer; none where the log does not hold it.
        allowed: Option<bool>,
    },
    /// The same, of which the log does not hold about whom.
    AccessOfSomebody,
    /// Whose a token is.
    Token(User<'a>),
    /// The same, without the answer.
    TokenOfSomebody,
}

/// What a SubjectAccessReview asks about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct What<'a> {
    #[serde(borrow)]
    resource_attributes: Option<Attributes<'a>>,
    #[serde(borrow)]
    non_resource_attributes: Option<Path<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attributes<'a> {
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    resource: Cow<'a, str>,
    #[serde(borrow)]
    subresource: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Path<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Who<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "texts")]
    groups: Vec<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    allowed: bool,
    authenticated: bool,
    #[serde(borrow)]
    user: User<'a>,
}

impl What<'_> {
    /// What the authorizers were asked; none where the question holds nothing.
    pub fn used(&self) -> Option<Used<'_>> {
        if let Some(asked) = &self.resource_attributes {
            return Some(Used::Resource {
                verb: &asked.verb,
                group: &asked.group,
                resource: &asked.resource,
                subresource: &asked.subresource,
                namespace: (!asked.namespace.is_empty()).then_some(&*asked.namespace),
                name: &asked.name,
            });
        }
        let asked = self.non_resource_attributes.as_ref()?;
        Some(Used::Url { verb: &asked.verb, path: &asked.path })
    }
}

impl<'a> Event<'a> {
    /// What another server asked by this request about somebody, where that was answered.
    pub fn review(&self) -> Option<&Review<'a>> {
        self.review.as_ref()
    }

    pub(crate) fn note_review(&mut self) {
        let Some(object) = &self.object_ref else { return };
        if self.verb != "create" || !(200..300).contains(&self.code()) {
            return;
        }
        self.review = match (&*object.api_group, &*object.resource) {
            (AUTHORIZATION, "subjectaccessreviews" | "localsubjectaccessreviews") => {
                Some(self.access_review().unwrap_or(Review::AccessOfSomebody))
            }
            (AUTHENTICATION, "tokenreviews") => Some(match self.answer() {
                None => Review::TokenOfSomebody,
                Some(answer) if answer.authenticated => Review::Token(answer.user),
                Some(_) => return,
            }),
            _ => return,
        };
    }

    fn access_review(&self) -> Option<Review<'a>> {
        let spec = self.request_object.spec.or(self.response_object.spec)?.get();
        let Who { user: username, groups } = serde_json::from_str(spec).ok()?;
        let what = serde_json::from_str(spec).ok()?;
        let allowed = self.answer().map(|answer| answer.allowed);
        let user = User { username, groups, ..User::default() };
        Some(Review::Access { user, what, allowed })
    }

    fn answer(&self) -> Option<Status<'a>> {
        serde_json::from_str(self.response_object.status?.get()).ok()
    }
}
