//! Following one kind: its list, its watch, and what to do when either ends.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use ironhull_kube::Error;
use ironhull_model::{Gap, Node, Object, ThingRef};
use tokio::sync::watch::Receiver;

use super::stream::{Stream, Told};
use super::{Event, Scope, Shared, lock};
use crate::discovery::Resource;
use crate::list::Extent;
use crate::{Places, complete, elsewhere, policies, rights, unreadable};

/// The pause after a failure, and the longest after many.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often at least it is asked whether we may see what we might not before, and may
/// still see what we might; and how often what cannot be watched is listed.
const AGAIN: Duration = Duration::from_secs(60);
/// A watch that ends sooner has not watched.
const SHORTEST: Duration = Duration::from_secs(1);
/// After so many failures in a row everything is listed again.
const ATTEMPTS: u32 = 4;
/// Kinds whose objects say which kinds there are.
const DEFINING: [(&str, &str); 2] = [
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
];

/// Follows one kind.
pub(super) struct Follower {
    shared: Arc<Shared>,
    resource: Resource,
    extent: Extent,
    /// Whether it was told how far the kind can be seen.
    has_told: AtomicBool,
}

/// What we may see of a kind, when it is not all.
struct Part {
    gap: Gap,
    namespaces: Vec<String>,
}

/// Where a watch is.
struct Position {
    namespace: Option<String>,
    /// The last version that was told; none before the first list.
    version: Option<String>,
    /// The generations of objects that define kinds.
    generations: HashMap<ThingRef, i64>,
}

impl Position {
    /// A watch is at a version; in the middle of a list it is nowhere yet.
    fn reached(&mut self, version: String) {
        if let Some(known) = self.version.as_mut().filter(|_| !version.is_empty()) {
            *known = version;
        }
    }
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, resource: Resource, extent: Extent) -> Follower {
        Follower { shared, resource, extent, has_told: AtomicBool::new(false) }
    }

    /// Follows until the task is ended.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.all().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    tokio::time::sleep(pause).await;
                }
                Err(error) => {
                    self.untold(&error).await;
                    self.failed(&error, &mut pause).await;
                }
            }
        }
    }

    /// Tells why a kind cannot be seen. While the server does not answer, what was seen
    /// stands.
    async fn untold(&self, error: &Error) {
        let is_refusal = error.code().is_some_and(|code| code < 500 && code != 429);
        if is_refusal || !self.has_told.load(Ordering::Relaxed) {
            self.seen(Some(unreadable(&self.resource, error)), None).await;
        }
    }

    /// Follows all that we may see. Ends when that should be asked again.
    async fn all(&self) -> Result<(), Error> {
        let mut rights = self.shared.rights.subscribe();
        if self.may(None).await? {
            // The API server asks for rights when a watch begins, and lets it go on when
            // they are taken: what it tells then is no more than what it would refuse.
            return tokio::select! {
                ended = self.scope(None, None) => ended,
                () = self.taken(&mut rights) => Ok(()),
            };
        }
        let mut seen = Vec::new();
        let places = lock(&self.shared.places).clone();
        if self.resource.is_namespaces() {
            return self.named(&places, &mut rights).await;
        }
        for namespace in places.namespaces.iter().filter(|_| self.resource.namespaced) {
            if self.may(Some(namespace)).await? {
                seen.push(namespace.as_str());
            }
        }
        let part = Part {
            gap: elsewhere(&self.resource, &seen, &places),
            namespaces: seen.iter().map(|namespace| (*namespace).to_owned()).collect(),
        };
        if seen.is_empty() {
            self.shared.answers(&self.resource.shown()).await;
            self.seen(Some(part.gap), Some(part.namespaces)).await;
            if self.is_time(&mut rights).await && matches!(self.may(None).await, Ok(true)) {
                self.shared.rights_changed();
            }
            return Ok(());
        }
        let scopes = seen.iter().map(|namespace| self.scope(Some(namespace), Some(&part)));
        // After a while there may be other namespaces, or other rights.
        tokio::select! {
            ended = try_join_all(scopes) => ended.map(|_| ()),
            _ = self.is_time(&mut rights) => Ok(()),
        }
    }

    /// Tells the Namespaces that we may read one by one, again after a while.
    async fn named(&self, places: &Places, rights: &mut Receiver<()>) -> Result<(), Error> {
        let (objects, gap) = crate::named(&self.shared.cluster, &self.resource, places).await?;
        self.shared.tell(Event::Listing(self.scope_of(None))).await;
        for object in objects {
            self.shared.tell(Event::Put(Box::new(object))).await;
        }
        self.shared.tell(Event::Listed(self.scope_of(None))).await;
        self.shared.answers(&self.resource.shown()).await;
        self.seen(Some(gap), None).await;
        if self.is_time(rights).await && matches!(self.may(None).await, Ok(true)) {
            self.shared.rights_changed();
        }
        Ok(())
    }

    /// Ends when we may not see all any more.
    async fn taken(&self, rights: &mut Receiver<()>) {
        loop {
            let by_itself = self.is_time(rights).await;
            // While the server does not answer, nothing is known to be other.
            if matches!(self.may(None).await, Ok(false)) {
                if by_itself {
                    self.shared.rights_changed();
                }
                return;
            }
        }
    }

    /// Waits until rights should be asked for again: for a while, which is another for each
    /// kind, or until another kind finds that they changed. Rights mostly change for many
    /// kinds at once, and what is seen in between would be false alarms. Whether the while
    /// is over; whoever was told tells nobody.
    async fn is_time(&self, rights: &mut Receiver<()>) -> bool {
        tokio::select! {
            () = tokio::time::sleep(AGAIN.mul_f64(0.75 + random() / 4.0)) => true,
            _ = rights.changed() => false,
        }
    }

    async fn may(&self, namespace: Option<&str>) -> Result<bool, Error> {
        rights::may_list(&self.shared.cluster, &self.resource, namespace).await
    }

    /// Follows one scope. Ends when what we may see should be asked again.
    async fn scope(&self, namespace: Option<&str>, part: Option<&Part>) -> Result<(), Error> {
        let mut at = Position {
            namespace: namespace.map(str::to_owned),
            version: None,
            generations: HashMap::new(),
        };
        let mut pause = FIRST_PAUSE;
        let mut n_failed = 0;
        loop {
            let began = Instant::now();
            let followed = self.once(&mut at, part).await;
            let is_short = began.elapsed() < SHORTEST;
            if !is_short {
                (pause, n_failed) = (FIRST_PAUSE, 0);
            }
            match followed {
                Ok(()) => {}
                // What was told last is forgotten there: everything is listed again.
                Err(error) if error.code() == Some(410) && at.version.is_some() => {
                    at.version = None;
                }
                Err(error) if matches!(error.code(), Some(401 | 403 | 404 | 405)) => {
                    return if at.version.is_some() { Ok(()) } else { Err(error) };
                }
                Err(error) => {
                    n_failed += 1;
                    // It may be the version that is not liked.
                    if n_failed >= ATTEMPTS {
                        at.version = None;
                    }
                    self.untold(&error).await;
                    self.failed(&error, &mut pause).await;
                    continue;
                }
            }
            // What ends at once must not be asked for at once.
            if is_short {
                rest(&mut pause).await;
            }
        }
    }

    /// Lists where nothing is known yet, and watches until the watch ends.
    async fn once(&self, at: &mut Position, part: Option<&Part>) -> Result<(), Error> {
        if !self.resource.watched {
            self.list(at, part).await?;
            tokio::time::sleep(AGAIN).await;
            return Ok(());
        }
        let streams = self.shared.streams_lists.load(Ordering::Relaxed);
        if at.version.is_none() && !streams {
            self.list(at, part).await?;
        }
        let version = at.version.clone();
        let path = self.resource.path(at.namespace.as_deref());
        let opened =
            Stream::open(&self.shared.watcher, &path, self.extent, version.as_deref()).await;
        let mut stream = match opened {
            // Older servers, and some behind this one, give no list as a watch.
            Err(error) if version.is_none() && matches!(error.code(), Some(400 | 422)) => {
                self.shared.streams_lists.store(false, Ordering::Relaxed);
                return Ok(());
            }
            // What may be listed and not watched.
            Err(error) if matches!(error.code(), Some(403 | 405)) => {
                self.list(at, part).await?;
                tokio::time::sleep(AGAIN).await;
                return Ok(());
            }
            opened => opened?,
        };
        if version.is_none() {
            self.shared.tell(Event::Listing(self.scope_of(at.namespace.as_deref()))).await;
        } else {
            self.shared.answers(&self.resource.shown()).await;
        }
        loop {
            let told = match stream.next().await {
                // A server that does not know what was asked of it never ends its list.
                Err(Error::Unreachable { .. }) if at.version.is_none() && stream.is_silent() => {
                    return self.list(at, part).await;
                }
                // Nor does one whose watches something in between garbles, or ends at once.
                Err(Error::Answer { .. }) | Ok(None) if at.version.is_none() => {
                    return self.list(at, part).await;
                }
                // Silence is no fault yet: a server need not say that nothing happens.
                Err(Error::Unreachable { .. }) if at.version.is_some() => return Ok(()),
                told => told?,
            };
            match told {
                Some(told) => self.take(told, at, part).await?,
                None => return Ok(()),
            }
        }
    }

    async fn take(&self, told: Told, at: &mut Position, part: Option<&Part>) -> Result<(), Error> {
        match told {
            Told::Put { metadata, object } => {
                let Some(mut object) = object.into_object(&self.resource, self.extent) else {
                    return Ok(());
                };
                complete(&self.shared.cluster, &self.resource, &mut object).await?;
                self.defines(&object, at);
                self.shared.tell(Event::Put(Box::new(object))).await;
                at.reached(metadata.version);
            }
            Told::Removed { metadata } => {
                let thing = ThingRef::new(
                    &self.resource.group,
                    &self.resource.kind,
                    &metadata.namespace,
                    &metadata.name,
                );
                if policies::is_policy(&self.resource) {
                    self.shared.policy_gone(&thing);
                }
                if DEFINING.contains(&(&*thing.group, &*thing.kind)) {
                    at.generations.remove(&thing);
                    self.shared.defined.notify_one();
                }
                self.shared.tell(Event::Remove(thing)).await;
                at.reached(metadata.version);
            }
            Told::Until { version, ends_list } => {
                if ends_list && at.version.is_none() {
                    self.listed(at, version, part).await;
                } else {
                    at.reached(version);
                }
            }
        }
        Ok(())
    }

    async fn list(&self, at: &mut Position, part: Option<&Part>) -> Result<(), Error> {
        let (cluster, namespace) = (&self.shared.cluster, at.namespace.as_deref());
        let listed = crate::listed(cluster, &self.resource, namespace, self.extent).await?;
        self.shared.tell(Event::Listing(self.scope_of(namespace))).await;
        for object in listed.objects {
            self.defines(&object, at);
            self.shared.tell(Event::Put(Box::new(object))).await;
        }
        self.listed(at, listed.version, part).await;
        Ok(())
    }

    async fn listed(&self, at: &mut Position, version: String, part: Option<&Part>) {
        at.version = Some(version);
        self.shared.tell(Event::Listed(self.scope_of(at.namespace.as_deref()))).await;
        let (gap, namespaces) = match part {
            Some(part) => (Some(part.gap.clone()), Some(part.namespaces.clone())),
            None => (None, None),
        };
        self.seen(gap, namespaces).await;
        self.shared.answers(&self.resource.shown()).await;
    }

    /// Notes an object that defines a kind, where its definition is new or another, or that
    /// says of which kinds everything is read.
    fn defines(&self, object: &Object, at: &mut Position) {
        if policies::is_policy(&self.resource) {
            self.shared.policy(object);
        }
        if !DEFINING.contains(&(&*object.thing.group, &*object.thing.kind)) {
            return;
        }
        let root = object.root();
        let generation = root.path(&["metadata", "generation"]).and_then(Node::as_i64);
        let generation = generation.unwrap_or_default();
        let before = at.generations.insert(ThingRef::clone(&object.thing), generation);
        // What the first list names was looked for already; a definition is served a
        // moment after it is made, which its status tells.
        if at.version.is_none() {
            return;
        }
        if before.is_some_and(|before| before != generation)
            && let Some(group) = root.path(&["spec", "group"]).and_then(Node::as_str)
        {
            lock(&self.shared.definitions).insert(group.to_owned());
        }
        self.shared.defined.notify_one();
    }

    fn scope_of(&self, namespace: Option<&str>) -> Scope {
        Scope {
            group: self.resource.group.clone(),
            kind: self.resource.kind.clone(),
            namespace: namespace.map(str::to_owned),
        }
    }

    async fn seen(&self, gap: Option<Gap>, namespaces: Option<Vec<String>>) {
        self.has_told.store(true, Ordering::Relaxed);
        let (group, kind) = (self.resource.group.clone(), self.resource.kind.clone());
        self.shared.tell(Event::Seen { group, kind, namespaces, gap }).await;
    }

    /// Notes a failure and waits.
    async fn failed(&self, error: &Error, pause: &mut Duration) {
        self.shared.silent(self.resource.shown(), error).await;
        rest(pause).await;
    }
}

/// Waits, longer each time, and not at the same time as others.
async fn rest(pause: &mut Duration) {
    tokio::time::sleep(pause.mul_f64(0.5 + random())).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}

/// At least 0, and less than 1.
fn random() -> f64 {
    (RandomState::new().build_hasher().finish() % 1000) as f64 / 1000.0
}
