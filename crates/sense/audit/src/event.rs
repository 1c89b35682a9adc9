//! Events, as far as they are read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use ironhull_access::usage::Used;
use ironhull_model::Minor;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::body::{Body, Owner};
use crate::review::Review;

/// A text that stays in the line where it has no escapes; inside of lists and maps serde
/// would copy it.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

pub(crate) fn texts<'de: 'a, 'a, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<Cow<'a, str>>, D::Error> {
    let texts = Vec::<Text<'a>>::deserialize(from)?;
    Ok(texts.into_iter().map(|Text(text)| text).collect())
}

/// What the authorizers decided, of all annotations.
#[derive(Debug, Default)]
struct Decision<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Decision<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Decision<'a>, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Decision<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Decision<'de>, A::Error> {
                let mut decision = None;
                while let Some(Text(key)) = map.next_key()? {
                    if key == "authorization.k8s.io/decision" {
                        let Text(value) = map.next_value()?;
                        decision = Some(value);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Decision(decision))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

/// A user as authenticators and impersonation say it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct User<'a> {
    /// User name.
    #[serde(borrow)]
    pub username: Cow<'a, str>,
    /// User id, if any.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// Groups.
    #[serde(borrow, deserialize_with = "texts")]
    pub groups: Vec<Cow<'a, str>>,
    /// Anything else.
    #[serde(borrow)]
    pub extra: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

/// What a request was about.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectRef<'a> {
    /// API group.
    #[serde(borrow)]
    pub api_group: Cow<'a, str>,
    /// Resource.
    #[serde(borrow)]
    pub resource: Cow<'a, str>,
    /// Subresource; empty for none.
    #[serde(borrow)]
    pub subresource: Cow<'a, str>,
    /// Namespace; empty for none or all.
    #[serde(borrow)]
    pub namespace: Cow<'a, str>,
    /// Name; of a create, what the request's body says.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// How the sender was let act as somebody else.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata<'a> {
    /// The verb that was asked for on the other's name; empty for `impersonate`.
    #[serde(borrow)]
    pub(crate) impersonation_constraint: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

/// One event.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    /// The request's id, the same in each of its stages.
    #[serde(borrow, rename = "auditID")]
    pub audit_id: Cow<'a, str>,
    /// `RequestReceived`, `ResponseStarted`, `ResponseComplete` or `Panic`.
    #[serde(borrow)]
    pub stage: Cow<'a, str>,
    /// What was asked for.
    #[serde(borrow, rename = "requestURI")]
    pub request_uri: Cow<'a, str>,
    /// The verb; for what is no resource the method in lower case.
    #[serde(borrow)]
    pub verb: Cow<'a, str>,
    /// Who sent the request.
    #[serde(borrow)]
    pub user: User<'a>,
    /// As whom.
    #[serde(borrow)]
    pub impersonated_user: Option<User<'a>>,
    /// From where; all but the last may be invented by the client.
    #[serde(borrow, rename = "sourceIPs", deserialize_with = "texts")]
    pub source_ips: Vec<Cow<'a, str>>,
    /// What about; none for what is no resource.
    #[serde(borrow)]
    pub object_ref: Option<ObjectRef<'a>>,
    response_status: Option<Status>,
    #[serde(borrow)]
    pub(crate) request_object: Body<'a>,
    #[serde(borrow)]
    pub(crate) response_object: Body<'a>,
    /// When the request came, in RFC 3339.
    #[serde(borrow)]
    pub request_received_timestamp: Cow<'a, str>,
    #[serde(borrow)]
    annotations: Decision<'a>,
    #[serde(borrow)]
    pub(crate) authentication_metadata: Option<Metadata<'a>>,
    /// The verb that was asked of the sender about the request itself, where he sent it by
    /// constrained impersonation; else empty.
    #[serde(skip)]
    pub(crate) sent_on: String,
    #[serde(skip)]
    pub(crate) review: Option<Review<'a>>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    items: Vec<Event<'a>>,
}

/// The events of a line: one, or the items of an `EventList`.
pub(crate) fn parse(line: &[u8]) -> Result<Vec<Event<'_>>, String> {
    let event: Event<'_> = serde_json::from_slice(line).map_err(|error| reason(&error))?;
    let mut events = match &*event.kind {
        "Event" if event.verb.is_empty() || event.stage.is_empty() => {
            return Err("it has no verb or no stage".to_owned());
        }
        "Event" => vec![event],
        "EventList" => serde_json::from_slice::<List<'_>>(line)
            .map(|list| list.items)
            .map_err(|error| reason(&error))?,
        "" => return Err("it has no kind".to_owned()),
        kind => return Err(format!("it is a {}", kind.chars().take(60).collect::<String>())),
    };
    for event in &mut events {
        event.note_sent_on();
        event.note_review();
    }
    Ok(events)
}

/// What serde says, without the values that it may quote.
fn reason(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field has another type",
        _ => "it is no JSON",
    };
    format!("{what}, at column {}", error.column())
}

impl<'a> Event<'a> {
    /// Whether the request is over: each request ends once.
    pub fn is_end(&self) -> bool {
        matches!(&*self.stage, "ResponseComplete" | "Panic")
    }

    /// Whether it was authorized: over, or answered from then on, as a watch is.
    pub fn is_decided(&self) -> bool {
        self.is_end() || self.stage == "ResponseStarted"
    }

    /// Who acted: the impersonated user, where there is one.
    pub fn actor(&self) -> &User<'a> {
        self.impersonated_user.as_ref().unwrap_or(&self.user)
    }

    /// The answer's status code; 0 when it is not known.
    pub fn code(&self) -> u16 {
        self.response_status.as_ref().map_or(0, |status| status.code)
    }

    /// Whether the authorizers let it pass. Admission may still have refused it.
    pub fn is_allowed(&self) -> bool {
        match &self.annotations.0 {
            Some(decision) => decision == "allow",
            None => !matches!(self.code(), 401 | 403),
        }
    }

    /// The owners of the object that came back, or that was sent.
    pub fn owners(&self) -> &[Owner<'a>] {
        let of = |body: &'_ Body<'a>| {
            body.meta.as_ref().is_some_and(|meta| !meta.owner_references.is_empty())
        };
        let body =
            if of(&self.response_object) { &self.response_object } else { &self.request_object };
        body.meta.as_ref().map_or(&[], |meta| &meta.owner_references)
    }

    /// The object's name: a create with `generateName` has it only in the answer.
    pub fn name(&self) -> &str {
        let own = self.object_ref.as_ref().map_or("", |object| &*object.name);
        let answered = self.response_object.meta.as_ref().map_or("", |meta| &*meta.name);
        if own.is_empty() { answered } else { own }
    }

    /// What the authorizers are asked about it, by this verb: its own, or what is asked of
    /// who sends it as somebody else.
    pub(crate) fn asked<'e>(&'e self, verb: &'e str) -> Used<'e> {
        let Some(object) = self.object_ref.as_ref().filter(|object| !object.resource.is_empty())
        else {
            let path = self.request_uri.split(['?', '#']).next().unwrap_or_default();
            return Used::Url { verb, path };
        };
        // The authorizer sees no name of what is created yet.
        let is_unnamed = self.verb == "create" && object.subresource.is_empty();
        Used::Resource {
            verb,
            group: &object.api_group,
            resource: &object.resource,
            subresource: &object.subresource,
            namespace: (!object.namespace.is_empty()).then_some(&*object.namespace),
            name: if is_unnamed { "" } else { &object.name },
        }
    }

    /// What the actor was allowed by it, of an API server of a minor.
    pub fn used(&self, minor: Minor) -> Vec<Used<'_>> {
        let own = self.asked(&self.verb);
        // An update or apply of what was not there is asked about as a create too.
        let creates = matches!(&*self.verb, "update" | "patch")
            && matches!(own, Used::Resource { .. })
            && self.code() == 201;
        // What else is asked once a WebSocket is with its pod is not in the decision.
        let besides = own.asked_besides(minor).filter(|_| self.code() != 403);
        let created = creates.then(|| self.asked("create"));
        [own].into_iter().chain(created).chain(besides).collect()
    }
}
