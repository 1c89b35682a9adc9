//! Worlds: a snapshot as it would be after some changes. Admission, repair and
//! what-if are judged over the same type as files and clusters.

use std::sync::Arc;

use crate::object::Object;
use crate::snapshot::Snapshot;
use crate::thing::ThingRef;

/// One difference from the snapshot.
#[derive(Clone, Debug)]
pub enum Change {
    /// The object is as given, whether it was there or not.
    Put(Arc<Object>),
    /// The object is gone.
    Remove(Arc<ThingRef>),
}

impl Change {
    fn thing(&self) -> &ThingRef {
        match self {
            Change::Put(object) => &object.thing,
            Change::Remove(thing) => thing,
        }
    }
}

/// A snapshot under an overlay.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// What was read.
    pub base: &'a Snapshot,
    /// What differs; the last change to a thing counts.
    pub overlay: &'a [Change],
}

impl<'a> World<'a> {
    /// The snapshot as it is.
    pub fn new(base: &'a Snapshot) -> World<'a> {
        World { base, overlay: &[] }
    }

    /// All objects: those of the snapshot in its order, then new ones.
    pub fn objects(self) -> impl Iterator<Item = &'a Arc<Object>> {
        self.select(&self.base.objects, |_| true)
    }

    /// The objects of one kind.
    pub fn of_kind(self, group: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Arc<Object>> {
        let order = move |object: &Arc<Object>| {
            (&*object.thing.group, &*object.thing.kind).cmp(&(group, kind))
        };
        self.select(equal_range(&self.base.objects, order), move |object| object.is(group, kind))
    }

    /// The objects of one kind in one namespace.
    pub fn in_namespace(
        self,
        group: &'a str,
        kind: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        let order = move |object: &Arc<Object>| {
            let thing = &object.thing;
            (&*thing.group, &*thing.kind, &*thing.namespace).cmp(&(group, kind, namespace))
        };
        self.select(equal_range(&self.base.objects, order), move |object| {
            object.is(group, kind) && &*object.thing.namespace == namespace
        })
    }

    /// The first object with this name.
    pub fn get(self, thing: &ThingRef) -> Option<&'a Arc<Object>> {
        match self.overlay.iter().rev().find(|change| change.thing() == thing) {
            Some(Change::Put(object)) => Some(object),
            Some(Change::Remove(_)) => None,
            None => {
                let objects = &self.base.objects;
                let at = objects.partition_point(|object| *object.thing < *thing);
                objects.get(at).filter(|object| *object.thing == *thing)
            }
        }
    }

    /// Every object of this name: there may be several, from several files.
    pub fn named(self, thing: &ThingRef) -> Vec<&'a Arc<Object>> {
        match self.overlay.iter().rev().find(|change| change.thing() == thing) {
            Some(Change::Put(object)) => vec![object],
            Some(Change::Remove(_)) => Vec::new(),
            None => equal_range(&self.base.objects, |object| (*object.thing).cmp(thing))
                .iter()
                .collect(),
        }
    }

    fn select(
        self,
        base: &'a [Arc<Object>],
        wanted: impl Fn(&Object) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        let overlay = self.overlay;
        let unchanged = move |object: &&Arc<Object>| {
            overlay.is_empty() || !overlay.iter().any(|change| *change.thing() == *object.thing)
        };
        let put = overlay.iter().enumerate().filter_map(move |(index, change)| match change {
            Change::Put(object)
                if wanted(object)
                    && !overlay[index + 1..]
                        .iter()
                        .any(|later| *later.thing() == *object.thing) =>
            {
                Some(object)
            }
            _ => None,
        });
        base.iter().filter(unchanged).chain(put)
    }
}

fn equal_range(
    objects: &[Arc<Object>],
    order: impl Fn(&Arc<Object>) -> std::cmp::Ordering,
) -> &[Arc<Object>] {
    let start = objects.partition_point(|object| order(object).is_lt());
    let len = objects[start..].partition_point(|object| order(object).is_eq());
    &objects[start..start + len]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Change, World};
    use crate::object::Object;
    use crate::snapshot::Snapshot;
    use crate::version::Minor;

    fn object(kind: &str, namespace: &str, name: &str) -> Arc<Object> {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}}}}"#
        );
        Arc::new(Object::new(serde_json::from_str(&json).unwrap(), None).unwrap())
    }

    fn names<'a>(objects: impl Iterator<Item = &'a Arc<Object>>) -> Vec<String> {
        objects.map(|object| object.thing.to_string()).collect()
    }

    #[test]
    fn an_overlay_puts_and_removes() {
        let mut snapshot = Snapshot::new(Minor::NEWEST);
        snapshot.objects =
            vec![object("Pod", "b", "x"), object("Pod", "a", "y"), object("Service", "a", "s")];
        snapshot.seal();
        let world = World::new(&snapshot);
        assert_eq!(names(world.of_kind("", "Pod")), ["a/Pod/y", "b/Pod/x"]);
        assert_eq!(names(world.in_namespace("", "Pod", "b")), ["b/Pod/x"]);

        let removed = snapshot.objects[0].thing.clone();
        let overlay = [Change::Remove(removed.clone()), Change::Put(object("Pod", "a", "z"))];
        let world = World { base: &snapshot, overlay: &overlay };
        assert_eq!(names(world.of_kind("", "Pod")), ["b/Pod/x", "a/Pod/z"]);
        assert!(world.get(&removed).is_none() && world.named(&removed).is_empty());
        assert_eq!(world.named(&snapshot.objects[1].thing).len(), 1);
        assert_eq!(world.objects().count(), 3);
    }
}
