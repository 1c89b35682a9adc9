//! Kubernetes' schemas by minor: kinds, fields, types, list-map keys, scopes,
//! pod-template paths; defaulting; strict decoding; removed APIs; default roles;
//! definitions of custom resources.
//!
//! The tables are generated (`cargo xtask schema`) from the OpenAPI documents of
//! the supported minors, one text for all of them with a bit per minor, and
//! indexed when first asked.

use ironhull_model::{Minor, Node};

pub mod admission;
pub mod crd;
pub mod defaults;
pub mod merge;
pub mod nulls;
pub mod rbac;
pub mod removed;
pub mod required;
pub mod strict;
mod tables;
pub mod unknown;
pub mod wire;

pub use tables::{Field, FieldType, KindInfo, Scope, TypeId};

/// The minors whose schemas are known, oldest first.
pub const SUPPORTED: [Minor; 4] = [Minor::v1(34), Minor::v1(35), Minor::v1(36), Minor::v1(37)];

/// The schemas of one minor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schema {
    minor: Minor,
    bit: u8,
}

/// Where the pod templates of kinds stand, from the object's root. The same for
/// every version a kind ever had, so that removed ones are still judged.
const TEMPLATES: &[(&str, &str, &[&str])] = &[
    ("", "PodTemplate", &["template"]),
    ("", "ReplicationController", &["spec", "template"]),
    ("apps", "DaemonSet", &["spec", "template"]),
    ("apps", "Deployment", &["spec", "template"]),
    ("apps", "ReplicaSet", &["spec", "template"]),
    ("apps", "StatefulSet", &["spec", "template"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("batch", "Job", &["spec", "template"]),
    ("extensions", "DaemonSet", &["spec", "template"]),
    ("extensions", "Deployment", &["spec", "template"]),
    ("extensions", "ReplicaSet", &["spec", "template"]),
];

/// The kinds that hold a pod or a pod template: (group, kind).
pub const POD_KINDS: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

/// Those of them that run pods.
pub const WORKLOAD_KINDS: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

impl Schema {
    /// The schemas of a minor; of the nearest known one for others.
    pub fn of(minor: Minor) -> Schema {
        let index = SUPPORTED.iter().rposition(|known| *known <= minor).unwrap_or(0);
        Schema { minor: SUPPORTED[index], bit: 1 << index }
    }

    /// Every minor that is known, oldest first.
    pub fn supported() -> impl Iterator<Item = Minor> {
        SUPPORTED.into_iter()
    }

    /// The minor whose schemas these are.
    pub fn minor(self) -> Minor {
        self.minor
    }

    /// A kind in one version, if this minor serves it.
    pub fn kind(self, group: &str, version: &str, kind: &str) -> Option<&'static KindInfo> {
        tables::kinds(kind).find(|info| {
            info.group == group && info.version == version && info.minors & self.bit != 0
        })
    }

    /// A kind in the most stable version that this minor serves.
    pub fn kind_any_version(self, group: &str, kind: &str) -> Option<&'static KindInfo> {
        tables::kinds(kind)
            .filter(|info| info.group == group && info.minors & self.bit != 0)
            .max_by_key(|info| stability(info.version))
    }

    /// Every kind in every version that this minor serves, by group, version and name.
    pub fn kinds(self) -> impl Iterator<Item = &'static KindInfo> {
        tables::all_kinds().filter(move |info| info.minors & self.bit != 0)
    }

    /// The kind whose objects a resource (the plural name in a group) holds, in the
    /// most stable version that this minor serves.
    pub fn resource(self, group: &str, resource: &str) -> Option<&'static KindInfo> {
        tables::resources(resource)
            .filter(|info| info.group == group && info.minors & self.bit != 0)
            .max_by_key(|info| stability(info.version))
    }

    /// The kinds that people may mean by a resource (`pods`), a kind or its singular
    /// (`Pod`, `pod`), those of the core group first.
    pub fn meant(self, word: &str) -> Vec<&'static KindInfo> {
        let served = tables::resources(word).chain(
            tables::all_kinds()
                .filter(|info| info.resource != word && info.kind.eq_ignore_ascii_case(word)),
        );
        let mut found: Vec<&KindInfo> = served
            .filter(|info| info.minors & self.bit != 0)
            .filter_map(|info| self.resource(info.group, info.resource))
            .collect();
        found.sort_by_key(|info| (info.group, info.resource));
        found.dedup_by_key(|info| (info.group, info.resource));
        found
    }

    /// The group that people mean by a bare kind.
    pub fn preferred_group(self, kind: &str) -> Option<&'static str> {
        self.preferred(kind).map(|info| info.group)
    }

    /// `apps/v1` for `Deployment`.
    pub fn preferred_api_version(self, kind: &str) -> Option<String> {
        self.preferred(kind).map(|info| match info.group {
            "" => info.version.to_owned(),
            group => format!("{group}/{}", info.version),
        })
    }

    fn preferred(self, kind: &str) -> Option<&'static KindInfo> {
        let served = tables::kinds(kind).filter(|info| info.minors & self.bit != 0);
        // `Event` is in the core group and in events.k8s.io; the core group is older.
        served.max_by_key(|info| (info.group.is_empty(), stability(info.version)))
    }

    /// A type's full name, such as `io.k8s.api.core.v1.PodSpec`.
    pub fn type_name(self, ty: TypeId) -> &'static str {
        tables::type_name(ty)
    }

    /// A type by its full name.
    pub fn type_named(self, name: &str) -> Option<TypeId> {
        tables::type_named(name)
    }

    /// A field of a type in this minor.
    pub fn field(self, ty: TypeId, name: &str) -> Option<&'static Field> {
        tables::fields(ty).iter().find(|field| field.name == name && field.minors & self.bit != 0)
    }

    /// All fields of a type in this minor.
    pub fn fields(self, ty: TypeId) -> impl Iterator<Item = &'static Field> {
        tables::fields(ty).iter().filter(move |field| field.minors & self.bit != 0)
    }

    /// The `PodSpec` of an object: a pod's own, or its template's.
    pub fn pod_spec<'a>(self, group: &str, kind: &str, root: Node<'a>) -> Option<Node<'a>> {
        pod_template(group, kind, root)?.get("spec").filter(|spec| !spec.is_null())
    }

    /// The metadata beside it.
    pub fn pod_meta<'a>(self, group: &str, kind: &str, root: Node<'a>) -> Option<Node<'a>> {
        pod_template(group, kind, root)?.get("metadata").filter(|meta| !meta.is_null())
    }
}

/// Where a kind's pod template stands; empty for a pod itself.
pub fn template_path(group: &str, kind: &str) -> Option<&'static [&'static str]> {
    if (group, kind) == ("", "Pod") {
        return Some(&[]);
    }
    TEMPLATES.iter().find(|(g, k, _)| (*g, *k) == (group, kind)).map(|(_, _, path)| *path)
}

fn pod_template<'a>(group: &str, kind: &str, root: Node<'a>) -> Option<Node<'a>> {
    root.path(template_path(group, kind)?)
}

/// How stable a version is: v1 over v2beta1 over v1alpha3.
pub fn stability(version: &str) -> (u8, u32) {
    let level = if version.contains("alpha") {
        0
    } else if version.contains("beta") {
        1
    } else {
        2
    };
    let number = version.trim_start_matches('v').split(|c: char| !c.is_ascii_digit()).next();
    (level, number.and_then(|digits| digits.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
