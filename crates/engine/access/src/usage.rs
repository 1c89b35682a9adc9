//! The smallest roles that allow what was done.

use std::collections::{BTreeMap, BTreeSet};

use ironhull_model::{Builder, Minor, Value};

use crate::impersonation::by_all;
use crate::{Access, Binding, GROUP, Identity, Question, Rule, Subject};

#[cfg(test)]
mod tests;
mod unseen;

/// Something that was done and allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Used<'u> {
    /// To a resource.
    Resource {
        /// Verb.
        verb: &'u str,
        /// API group.
        group: &'u str,
        /// Resource.
        resource: &'u str,
        /// Subresource; empty for none.
        subresource: &'u str,
        /// Namespace; none for none or all.
        namespace: Option<&'u str>,
        /// Name; empty when the request had none.
        name: &'u str,
    },
    /// To a path that is no resource.
    Url {
        /// The method in lower case.
        verb: &'u str,
        /// The path.
        path: &'u str,
    },
}

/// Up to which minor GET, by which a WebSocket is opened, is all that reaching into a pod
/// asks for. Later ones ask for `create` too, as of POST: their feature gate
/// AuthorizePodWebsocketUpgradeCreatePermission (pkg/registry/core/pod/rest).
pub const LAST_BY_GET: Minor = Minor::v1(34);

impl<'u> Used<'u> {
    /// What an API server of a minor asks of the same request besides, once it is with the
    /// pod.
    pub fn asked_besides(&self, minor: Minor) -> Option<Used<'u>> {
        match *self {
            Used::Resource {
                verb: "get",
                group: "",
                resource: "pods",
                subresource: "exec" | "attach" | "portforward",
                ..
            } if minor > LAST_BY_GET => {}
            _ => return None,
        }
        let mut besides = *self;
        if let Used::Resource { verb, .. } = &mut besides {
            *verb = "create";
        }
        Some(besides)
    }

    /// Whether somebody may do it.
    pub fn is_allowed(&self, access: &Access<'_>, who: &Identity) -> bool {
        match (*self, self.question()) {
            (Used::Url { verb, path }, _) => access.allows_url(who, verb, path).is_some(),
            (_, Some(question)) => {
                access.can(who, &question)
                    || by_all(&question).is_some_and(|all| access.can(who, &all))
            }
            (_, None) => false,
        }
    }

    /// The first of the bindings that are counted that lets somebody do it, and its rule.
    pub fn granted_by<'i, 'a>(
        &self,
        access: &'i Access<'a>,
        who: &Identity,
        counts: impl Fn(&Binding<'a>) -> bool,
    ) -> Option<(&'i Binding<'a>, &'i Rule<'a>)> {
        let question = self.question();
        let namespace = question.and_then(|question| question.namespace);
        let mut bindings = access.bindings_of(who, namespace).filter(|binding| counts(binding));
        bindings.find_map(|binding| {
            let rule = match (*self, question) {
                (Used::Url { verb, path }, _) => access.url_granted_by(binding, verb, path),
                (_, Some(question)) => access
                    .granted_by(binding, &question)
                    .or_else(|| by_all(&question).and_then(|all| access.granted_by(binding, &all))),
                (_, None) => None,
            };
            Some((binding, rule?))
        })
    }

    /// What the authorizers are asked, but for paths.
    fn question(&self) -> Option<Question<'_>> {
        let Used::Resource { verb, group, resource, subresource, namespace, name } = *self else {
            return None;
        };
        Some(Question { subresource, name, namespace, ..Question::new(verb, group, resource) })
    }
}

/// Names that controllers give: what is called so today is gone tomorrow.
const MADE: &[&str] = &[
    "controllerrevisions",
    "endpointslices",
    "events",
    "jobs",
    "pods",
    "replicasets",
    "certificatesigningrequests",
    "resourceclaims",
    "volumeattachments",
];

/// The most paths that are kept apart for a verb; beyond, the first part counts.
const MOST_PATHS: usize = 200;

/// The most verbs on resources in namespaces that are kept apart.
const MOST_KEYS: usize = 100_000;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    namespace: Option<String>,
    group: String,
    /// With its subresource.
    resource: String,
    verb: String,
}

/// The objects that a verb was used on; none for any.
type Objects = Option<BTreeSet<String>>;

/// Everything that was done, in bounded memory.
#[derive(Debug)]
pub struct Usage {
    most_names: usize,
    resources: BTreeMap<Key, Objects>,
    /// Verb → paths.
    urls: BTreeMap<String, BTreeSet<String>>,
    /// How often anything was done.
    pub n_uses: u64,
    /// How often something was done that was too much to keep apart.
    pub n_dropped: u64,
}

/// A rule of a [`Minimal`] role.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum MinimalRule {
    Resources {
        groups: Vec<String>,
        resources: Vec<String>,
        names: Vec<String>,
        verbs: Vec<String>,
    },
    Urls {
        urls: Vec<String>,
        verbs: Vec<String>,
    },
}

/// A role and its binding.
#[derive(Debug)]
pub struct Minimal {
    namespace: Option<String>,
    rules: Vec<MinimalRule>,
}

impl Usage {
    /// Nothing yet. Where more than `most_names` objects of a resource are used,
    /// all of them may be.
    pub fn new(most_names: usize) -> Usage {
        let (resources, urls) = (BTreeMap::new(), BTreeMap::new());
        Usage { most_names, resources, urls, n_uses: 0, n_dropped: 0 }
    }

    /// Counts a use.
    pub fn add(&mut self, used: &Used<'_>) {
        self.n_uses += 1;
        match *used {
            Used::Url { verb, path } => self.add_url(verb, path),
            Used::Resource { verb, group, resource, subresource, namespace, name } => {
                let slash = if subresource.is_empty() { "" } else { "/" };
                let key = Key {
                    namespace: namespace.map(str::to_owned),
                    group: group.to_owned(),
                    resource: format!("{resource}{slash}{subresource}"),
                    verb: verb.to_owned(),
                };
                // Of a verb that is asked of who sends it as somebody else, the last part.
                let sent = verb.rsplit(':').next().unwrap_or_default();
                let nameable = !name.is_empty()
                    && sent != "deletecollection"
                    && (sent != "create" || !subresource.is_empty())
                    && !MADE.contains(&resource);
                if self.resources.len() >= MOST_KEYS && !self.resources.contains_key(&key) {
                    self.n_dropped += 1;
                    return;
                }
                let objects = self.resources.entry(key).or_insert_with(|| Some(BTreeSet::new()));
                match objects {
                    Some(names) if nameable => {
                        names.insert(name.to_owned());
                        if names.len() > self.most_names {
                            *objects = None;
                        }
                    }
                    _ => *objects = None,
                }
            }
        }
    }

    fn add_url(&mut self, verb: &str, path: &str) {
        let paths = self.urls.entry(verb.to_owned()).or_default();
        if paths.contains(path) || paths.contains("*") {
            return;
        }
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if paths.len() < MOST_PATHS || first.is_empty() {
            paths.insert(path.to_owned());
        } else if paths.len() < 2 * MOST_PATHS {
            paths.insert(format!("/{first}/*"));
            // `/a/*` does not take in `/a` itself.
            paths.insert(format!("/{first}"));
        } else {
            *paths = BTreeSet::from(["*".to_owned()]);
        }
    }

    /// The smallest roles: one of the cluster, and one for each namespace.
    pub fn minimal(&self) -> Vec<Minimal> {
        let mut places: BTreeMap<Option<&str>, BTreeMap<_, BTreeSet<&str>>> = BTreeMap::new();
        for (key, objects) in &self.resources {
            if self.is_covered_everywhere(key, objects.as_ref()) {
                continue;
            }
            let rules = places.entry(key.namespace.as_deref()).or_default();
            rules
                .entry((&*key.group, &*key.resource, objects.as_ref()))
                .or_default()
                .insert(&key.verb);
        }
        let mut roles: BTreeMap<Option<&str>, Vec<MinimalRule>> =
            places.into_iter().map(|(place, rules)| (place, merged(rules))).collect();
        let mut by_paths: BTreeMap<&BTreeSet<String>, Vec<String>> = BTreeMap::new();
        for (verb, paths) in &self.urls {
            by_paths.entry(paths).or_default().push(verb.clone());
        }
        for (paths, verbs) in by_paths {
            let urls = paths.iter().cloned().collect();
            roles.entry(None).or_default().push(MinimalRule::Urls { urls, verbs });
        }
        roles
            .into_iter()
            .map(|(place, rules)| Minimal { namespace: place.map(str::to_owned), rules })
            .collect()
    }

    /// Whether the same is granted everywhere already.
    fn is_covered_everywhere(&self, key: &Key, objects: Option<&BTreeSet<String>>) -> bool {
        if key.namespace.is_none() {
            return false;
        }
        let everywhere = Key { namespace: None, ..key.clone() };
        match (self.resources.get(&everywhere), objects) {
            (None, _) => false,
            (Some(None), _) => true,
            (Some(Some(names)), Some(own)) => own.is_subset(names),
            (Some(Some(_)), None) => false,
        }
    }
}

type Rules<'u> = BTreeMap<(&'u str, &'u str, Option<&'u BTreeSet<String>>), BTreeSet<&'u str>>;

/// One rule for the resources of a group that are used alike.
fn merged(rules: Rules<'_>) -> Vec<MinimalRule> {
    let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for ((group, resource, names), verbs) in rules {
        alike.entry((group, names, verbs)).or_default().push(resource.to_owned());
    }
    let mut merged: Vec<MinimalRule> = alike
        .into_iter()
        .map(|((group, names, verbs), resources)| MinimalRule::Resources {
            groups: vec![group.to_owned()],
            resources,
            names: names.into_iter().flatten().cloned().collect(),
            verbs: verbs.into_iter().map(str::to_owned).collect(),
        })
        .collect();
    merged.sort();
    merged
}

impl Minimal {
    /// The namespace; none for a ClusterRole.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Number of rules.
    pub fn n_rules(&self) -> usize {
        self.rules.len()
    }

    /// The role and its binding to a subject, both called `name`.
    pub fn documents(&self, name: &str, subject: &Subject) -> [Value; 2] {
        let kind = if self.namespace.is_some() { "Role" } else { "ClusterRole" };
        let mut role = self.begin(kind, name);
        list(&mut role, "rules", &self.rules, |role, rule| rule.write(role));
        role.end(0);
        let mut binding = self.begin(&format!("{kind}Binding"), name);
        map(&mut binding, "roleRef", &[("apiGroup", GROUP), ("kind", kind), ("name", name)]);
        list(&mut binding, "subjects", std::slice::from_ref(subject), |binding, subject| {
            binding.begin_map(0);
            let pairs: &[(&str, &str)] = match subject {
                Subject::User(name) => &[("apiGroup", GROUP), ("kind", "User"), ("name", name)],
                Subject::Group(name) => &[("apiGroup", GROUP), ("kind", "Group"), ("name", name)],
                Subject::ServiceAccount(namespace, name) => {
                    &[("kind", "ServiceAccount"), ("namespace", namespace), ("name", name)]
                }
            };
            for (key, value) in pairs {
                text(binding, key, value);
            }
            binding.end(0);
        });
        binding.end(0);
        [role.finish(), binding.finish()]
    }

    fn begin(&self, kind: &str, name: &str) -> Builder {
        let mut builder = Builder::new();
        builder.begin_map(0);
        text(&mut builder, "apiVersion", "rbac.authorization.k8s.io/v1");
        text(&mut builder, "kind", kind);
        let namespace = self.namespace.iter().map(|namespace| ("namespace", &**namespace));
        let meta: Vec<(&str, &str)> = std::iter::once(("name", name)).chain(namespace).collect();
        map(&mut builder, "metadata", &meta);
        builder
    }
}

impl MinimalRule {
    fn write(&self, role: &mut Builder) {
        role.begin_map(0);
        let mut strings = |key: &str, values: &[String]| {
            list(role, key, values, |role, value| role.str(value, 0, 0));
        };
        match self {
            MinimalRule::Resources { groups, resources, names, verbs } => {
                strings("apiGroups", groups);
                strings("resources", resources);
                if !names.is_empty() {
                    strings("resourceNames", names);
                }
                strings("verbs", verbs);
            }
            MinimalRule::Urls { urls, verbs } => {
                strings("nonResourceURLs", urls);
                strings("verbs", verbs);
            }
        }
        role.end(0);
    }
}

fn text(builder: &mut Builder, key: &str, value: &str) {
    builder.key(key, 0);
    builder.str(value, 0, 0);
}

fn map(builder: &mut Builder, key: &str, pairs: &[(&str, &str)]) {
    builder.key(key, 0);
    builder.begin_map(0);
    for (key, value) in pairs {
        text(builder, key, value);
    }
    builder.end(0);
}

fn list<T>(builder: &mut Builder, key: &str, items: &[T], mut write: impl FnMut(&mut Builder, &T)) {
    builder.key(key, 0);
    builder.begin_list(0);
    for item in items {
        write(builder, item);
    }
    builder.end(0);
}
