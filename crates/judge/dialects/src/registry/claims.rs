//! Claims and volumes (`pkg/api/persistentvolumeclaim`, `pkg/registry/core/persistentvolume`).

use serde_json::{Value as Json, json};

use super::{Prepared, is_nothing, set, text};

pub(super) fn volume(new: &mut Json, about: &Prepared<'_>) {
    if about.old.is_none() {
        let now = about.guess.of("2000-01-01T00:00:00Z", "2099-12-31T23:59:59Z");
        new["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": now});
    }
}

pub(super) fn claim(new: &mut Json, about: &Prepared<'_>) {
    let old = about.old.map(|old| &old["spec"]);
    let was = |name: &str| old.is_some_and(|old| !is_nothing(&old[name]));
    let spec = &mut new["spec"];
    if !text(&spec["dataSourceRef"], "namespace").is_empty() && !was("dataSourceRef") {
        set(spec, "dataSourceRef", None);
    }
    // In old manifests anything may stand there; only these mean something.
    let is_old_way = is_nothing(&spec["dataSourceRef"]) && !was("dataSource");
    let source = &spec["dataSource"];
    let is_meant = matches!(
        (text(source, "apiGroup"), text(source, "kind")),
        ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
    );
    if is_old_way && !is_meant {
        set(spec, "dataSource", None);
    }
    match (is_nothing(&spec["dataSource"]), is_nothing(&spec["dataSourceRef"])) {
        (false, true) => spec["dataSourceRef"] = named(&spec["dataSource"]),
        (true, false) if text(&spec["dataSourceRef"], "namespace").is_empty() => {
            spec["dataSource"] = named(&spec["dataSourceRef"]);
        }
        _ => {}
    }
}

fn named(source: &Json) -> Json {
    let mut named = json!({"kind": text(source, "kind"), "name": text(source, "name")});
    set(&mut named, "apiGroup", source.get("apiGroup").cloned());
    named
}
