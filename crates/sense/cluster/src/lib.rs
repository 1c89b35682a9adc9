//! Reads a running cluster into a snapshot: which kinds there are, which of them we
//! may list, their objects, and a gap for each kind that could not be seen. It only
//! reads, and of Secrets neither values nor keys.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use ironhull_kube::{Cluster, Error};
use ironhull_model::{Coverage, Fact, Gap, Minor, Object, Standing, Wanted, kind_name};
use ironhull_schema::admission;

mod discovery;
mod extent;
mod gaps;
mod helm;
mod kubelets;
mod list;
mod policies;
mod rights;
mod trim;
mod version;
mod watch;

pub use extent::{dumped, is_read_for_policies, never_read};
pub use policies::not_dumped;
pub use watch::{Event, Scope, watch};

use discovery::Resource;
use extent::{extent_of, is_read, is_unowned};
use gaps::{broken_off, elsewhere, stale, unreadable};
use list::{Extent, Listed};

/// How many requests are under way at once: a share of what the API server's
/// priority and fairness gives one user.
const AT_ONCE: usize = 6;

/// Asking each kind in each of more namespaces would be thousands of requests.
const MOST_NAMESPACES: usize = 50;

/// More of them than this are listed whole once more instead of read one by one.
const MOST_ALONE: usize = 20;

/// What is read of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Of which kinds whole objects are needed.
    pub wanted: Wanted,
    /// Whether kubelets are asked for their configuration, through `nodes/proxy`.
    pub kubelets: bool,
    /// Whether Secrets that hold Helm releases are read whole.
    pub helm_releases: bool,
    /// Namespaces that are looked into besides that of the context, where not all may be.
    pub namespaces: Vec<String>,
}

/// What was seen of a cluster.
#[derive(Debug)]
pub struct Seen {
    /// As the server says it: `v1.37.1+k3s1`.
    pub version: String,
    /// The same as a minor; none when it is no version.
    pub minor: Option<Minor>,
    /// All objects that could be read.
    pub objects: Vec<Object>,
    /// What was told outside of objects.
    pub facts: Vec<Fact>,
    /// The kinds that were listed in all namespaces.
    pub coverage: Coverage,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
}

/// How far reading is.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// So many kinds are to be read, besides those told before.
    ToRead(usize),
    /// A kind is read, or cannot be.
    Read,
}

/// Reads everything that may be listed: in all namespaces, where that is not allowed
/// in each of a few, else in that of the context. `told` hears how far it is.
///
/// # Errors
/// When the server does not answer, or not even discovery is allowed.
pub async fn read(cluster: &Cluster, asked: &Asked, told: impl Fn(Told)) -> Result<Seen, Error> {
    let version = version::ask(cluster).await?;
    let discovered = discovery::discover(cluster).await?;
    let mut seen = Seen {
        minor: version.minor(),
        facts: vec![version.fact()],
        version: version.git_version,
        objects: Vec::new(),
        coverage: Coverage::Fragment,
        gaps: discovered.stale.iter().map(|version| stale(version)).collect(),
    };
    let places = places(cluster, &discovered.resources, &asked.namespaces).await;
    // What admission policies are about is read as a whole: they are read first.
    let (policies, others): (Vec<Resource>, Vec<Resource>) =
        discovered.resources.into_iter().partition(policies::is_policy);
    let mut wanted = asked.wanted.clone();
    let mut kinds = kinds(cluster, policies, &wanted, &places, &told).await;
    let objects = kinds.iter().flat_map(|kind| &kind.objects);
    objects.for_each(|policy| wanted.named.add(admission::named(policy)));
    seen.gaps.extend(policies::left_out(&others, &wanted.named));
    let others = others.into_iter().filter(is_read).collect();
    kinds.extend(self::kinds(cluster, others, &wanted, &places, &told).await);
    kinds.sort_by(|a, b| a.resource.cmp(&b.resource));
    let mut complete = Vec::new();
    for kind in kinds {
        let Resource { group, kind: name, .. } = &kind.resource;
        if kind.gap.is_none() {
            complete.push(kind_name(group, name));
        }
        seen.gaps.extend(kind.gap);
        seen.objects.extend(kind.objects);
    }
    seen.coverage = Coverage::Kinds(complete);
    kubelets::read(cluster, asked.kubelets, &mut seen).await;
    helm::read(cluster, asked.helm_releases, &mut seen).await;
    Ok(seen)
}

/// Kinds, each as far as it could be read.
async fn kinds(
    cluster: &Cluster,
    resources: Vec<Resource>,
    wanted: &Wanted,
    places: &Places,
    told: &impl Fn(Told),
) -> Vec<OfKind> {
    told(Told::ToRead(resources.len()));
    let tasks = stream::iter(resources).map(|resource| {
        let (cluster, places) = (cluster.clone(), places.clone());
        let extent = extent_of(&resource, wanted);
        // A task of its own, so that pages of different kinds are parsed on all cores.
        let of = resource.clone();
        let task = tokio::spawn(async move { kind(&cluster, resource, extent, &places).await });
        async move {
            let kind = task.await.unwrap_or_else(|ended| broken_off(of, &ended));
            told(Told::Read);
            kind
        }
    });
    tasks.buffer_unordered(AT_ONCE).collect().await
}

/// Where to look for what may not be listed everywhere.
#[derive(Clone, Default)]
struct Places {
    /// All namespaces that are visible, if they are few; else that of the context, and
    /// those that are asked for.
    namespaces: Vec<String>,
    /// Why these may not be all that are visible.
    unsure: Option<Arc<Error>>,
}

async fn places(cluster: &Cluster, resources: &[Resource], asked: &[String]) -> Places {
    let mut own = vec![cluster.namespace().to_owned()];
    own.extend(asked.iter().filter(|name| *name != cluster.namespace()).cloned());
    let kind = resources.iter().find(|of| of.is_namespaces());
    let Some(kind) = kind else { return Places { namespaces: own, unsure: None } };
    match visible(cluster, kind).await {
        Ok(Some(all)) if all.len() <= MOST_NAMESPACES => Places { namespaces: all, unsure: None },
        Ok(_) => Places { namespaces: own, unsure: None },
        Err(error) => Places { namespaces: own, unsure: Some(Arc::new(error)) },
    }
}

/// The names of all namespaces, if we may list them.
async fn visible(cluster: &Cluster, kind: &Resource) -> Result<Option<Vec<String>>, Error> {
    if !rights::may_list(cluster, kind, None).await? {
        return Ok(None);
    }
    let listed = list::list(cluster, kind, None, Extent::Metadata).await?;
    let names = listed.objects.iter().map(|object| object.thing.name.to_string());
    Ok(Some(names.collect()))
}

/// One kind as far as it could be read.
struct OfKind {
    resource: Resource,
    objects: Vec<Object>,
    gap: Option<Gap>,
}

async fn kind(cluster: &Cluster, resource: Resource, extent: Extent, places: &Places) -> OfKind {
    let (objects, gap) = match rights::may_list(cluster, &resource, None).await {
        Ok(true) => match listed(cluster, &resource, None, extent).await {
            Ok(listed) => (listed.objects, None),
            Err(error) => (Vec::new(), Some(unreadable(&resource, &error))),
        },
        Ok(false) if resource.is_namespaces() => match named(cluster, &resource, places).await {
            Ok((objects, gap)) => (objects, Some(gap)),
            Err(error) => (Vec::new(), Some(unreadable(&resource, &error))),
        },
        Ok(false) => in_namespaces(cluster, &resource, places, extent).await,
        Err(error) => (Vec::new(), Some(unreadable(&resource, &error))),
    };
    OfKind { resource, objects, gap }
}

/// The Namespaces that we may read, where we may not list them: who works in one mostly may
/// read it.
async fn named(
    cluster: &Cluster,
    resource: &Resource,
    places: &Places,
) -> Result<(Vec<Object>, Gap), Error> {
    let (mut objects, mut seen) = (Vec::new(), Vec::new());
    for name in &places.namespaces {
        if rights::may_get_namespace(cluster, name).await? {
            objects.extend(list::one(cluster, resource, "", name).await?);
            seen.push(name.as_str());
        }
    }
    Ok((objects, elsewhere(resource, &seen, places)))
}

async fn in_namespaces(
    cluster: &Cluster,
    resource: &Resource,
    places: &Places,
    extent: Extent,
) -> (Vec<Object>, Option<Gap>) {
    let mut objects = Vec::new();
    let mut seen = Vec::new();
    for namespace in places.namespaces.iter().filter(|_| resource.namespaced) {
        match rights::may_list(cluster, resource, Some(namespace)).await {
            Ok(true) => {}
            Ok(false) => continue,
            // Not to know whether we may is not to be denied.
            Err(error) => return (objects, Some(unreadable(resource, &error))),
        }
        match listed(cluster, resource, Some(namespace), extent).await {
            Ok(found) => {
                objects.extend(found.objects);
                seen.push(namespace.as_str());
            }
            Err(error) => return (objects, Some(unreadable(resource, &error))),
        }
    }
    (objects, Some(elsewhere(resource, &seen, places)))
}

/// A list; of what controllers make only what nobody owns is read whole.
async fn listed(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    extent: Extent,
) -> Result<Listed, Error> {
    let mut listed = list::list(cluster, resource, namespace, extent).await?;
    if extent == Extent::Whole {
        return Ok(listed);
    }
    if listed.objects.iter().filter(|object| is_unowned(resource, object)).count() > MOST_ALONE {
        let whole = list::list(cluster, resource, namespace, Extent::Whole).await?.objects;
        let whole = whole.into_iter().filter(|object| is_unowned(resource, object));
        // One that has come or gone between the lists is as the first one has it.
        let mut whole: HashMap<_, _> = whole.map(|object| (object.thing.clone(), object)).collect();
        for object in &mut listed.objects {
            if let Some(whole) = whole.remove(&object.thing) {
                *object = whole;
            }
        }
        return Ok(listed);
    }
    for object in &mut listed.objects {
        complete(cluster, resource, object).await?;
    }
    Ok(listed)
}

/// Reads an object as a whole that controllers make of others, where nobody owns it.
async fn complete(
    cluster: &Cluster,
    resource: &Resource,
    object: &mut Object,
) -> Result<(), Error> {
    if object.standing == Standing::Partial
        && is_unowned(resource, object)
        && let Some(whole) =
            list::one(cluster, resource, &object.thing.namespace, &object.thing.name).await?
    {
        *object = whole;
    }
    Ok(())
}
