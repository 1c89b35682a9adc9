//! `DefaultStorageClass` and `DefaultIngressClass`: the class of what names none.

use ironhull_model::{Node, Object, Value};
use serde_json::json;

use super::servers::{Plugin, Server};
use super::{Changes, Guess, Possible};
use crate::estate::Estate;
use crate::policy::text;

/// Of more defaults it is not told which one counts.
const MOST: usize = 8;

/// A kind of classes, and what names one of them.
pub(super) struct Classes {
    group: &'static str,
    kind: &'static str,
    /// On classes: that it is the default.
    marks: &'static [&'static str],
    /// In the specification of what names a class.
    pub(super) field: &'static str,
    /// The annotation that did so before there was a field.
    annotation: &'static str,
}

pub(super) const STORAGE: Classes = Classes {
    group: "storage.k8s.io",
    kind: "StorageClass",
    marks: &[
        "storageclass.kubernetes.io/is-default-class",
        "storageclass.beta.kubernetes.io/is-default-class",
    ],
    field: "storageClassName",
    annotation: "volume.beta.kubernetes.io/storage-class",
};

pub(super) const INGRESS: Classes = Classes {
    group: "networking.k8s.io",
    kind: "IngressClass",
    marks: &["ingressclass.kubernetes.io/is-default-class"],
    field: "ingressClassName",
    annotation: "kubernetes.io/ingress.class",
};

impl Classes {
    /// Of claims, and of Ingresses.
    pub(super) fn of(server: &Server, group: &str, resource: &str) -> Option<&'static Classes> {
        let (plugin, classes) = match (group, resource) {
            ("", "persistentvolumeclaims") => (Plugin::DefaultStorageClass, &STORAGE),
            ("networking.k8s.io" | "extensions", "ingresses") => {
                (Plugin::DefaultIngressClass, &INGRESS)
            }
            _ => return None,
        };
        server.runs(plugin).then_some(classes)
    }

    /// Whether an object gets the default class: it names none.
    fn is_wanted(&self, root: Node<'_>) -> bool {
        let annotations = root.path(&["metadata", "annotations"]);
        let is_annotated = annotations.is_some_and(|all| all.get(self.annotation).is_some());
        let spec = root.get("spec").filter(|spec| !spec.is_null());
        let is_named = |spec: Node<'_>| spec.get(self.field).is_some_and(|name| !name.is_null());
        !is_annotated && spec.is_some_and(|spec| !is_named(spec))
    }

    fn is_whole(&self, estate: &Estate<'_>) -> bool {
        estate.world().base.coverage.is_complete(self.group, self.kind)
    }

    /// The classes that may be the default: of several it is the newest.
    fn defaults<'e>(&self, estate: &Estate<'e>) -> Vec<&'e str> {
        let is_default = |class: &&std::sync::Arc<Object>| {
            let annotations = class.root().path(&["metadata", "annotations"]);
            annotations.is_some_and(|all| self.marks.iter().any(|mark| text(all, mark) == "true"))
        };
        let made = |class: &Object| {
            let metadata = class.root().get("metadata");
            metadata.map_or("", |metadata| text(metadata, "creationTimestamp")).to_owned()
        };
        let all = estate.world().of_kind(self.group, self.kind).filter(is_default);
        let mut all: Vec<_> = all.map(|class| (made(class), &*class.thing.name)).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        let is_dated = all.iter().all(|(made, _)| !made.is_empty());
        let n = if is_dated { 1 } else { MOST };
        all.into_iter().map(|(_, name)| name).take(n).collect()
    }

    /// Whether it is not known if an object gets a class.
    pub(super) fn is_open(&self, estate: &Estate<'_>, root: Node<'_>) -> bool {
        self.is_wanted(root) && !self.is_whole(estate) && self.defaults(estate).is_empty()
    }

    /// The forms of an object with the class that it gets.
    pub(super) fn given(&self, estate: &Estate<'_>, value: &Value) -> Vec<Possible> {
        let as_it_is = || vec![Possible { value: value.clone(), unknown: String::new() }];
        if !self.is_wanted(value.root()) {
            return as_it_is();
        }
        let mut names: Vec<String> = self.defaults(estate).into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return as_it_is();
        }
        if !self.is_whole(estate) {
            names.push(Guess::Second.end(10));
        }
        let unknown = format!("which {} is the default", self.kind);
        let form = |name: String| {
            let mut changes = Changes::default();
            changes.put(format!("/spec/{}", self.field), &json!(name));
            Possible { value: changes.made(value), unknown: unknown.clone() }
        };
        names.into_iter().map(form).collect()
    }
}
