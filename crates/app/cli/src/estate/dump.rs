//! Dumps as a target: what `kubectl get -o yaml|json` and `kubectl cluster-info dump`
//! print of a running cluster, in a file or a directory of files.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ironhull_manifests::{Found, Limits};
use ironhull_model::{Code, Coverage, Diagnostic, Object, Snapshot, Source, SourceId};
use ironhull_secrets::Salt;
use rayon::prelude::*;

use super::{Options, live};

/// What a target that is a dump starts with.
pub(crate) const SCHEME: &str = "dump:";

/// `kubectl get -A` of a large cluster is one file.
const LIMITS: Limits = Limits { size: 1 << 30 };

/// What stands around the logs of a container in the output of `kubectl cluster-info dump`.
const LOGS: (&str, &str) = ("==== START logs for container ", "==== END logs for container ");

/// The namespaces that every cluster has. Who names namespaces one by one hardly names
/// these, so a dump with all of them is one of all namespaces.
const ALWAYS: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// What `kubectl cluster-info dump` writes of each namespace: file, `group/Kind`.
const OF_NAMESPACES: [(&str, &str); 6] = [
    ("daemonsets.json", "apps/DaemonSet"),
    ("deployments.json", "apps/Deployment"),
    ("pods.json", "Pod"),
    ("replicasets.json", "apps/ReplicaSet"),
    ("replication-controllers.json", "ReplicationController"),
    ("services.json", "Service"),
];
/// And of the cluster.
const NODES: (&str, &str) = ("nodes.json", "Node");

/// Adds the objects of a dump to the snapshot, as if they had been read of the cluster.
pub(super) fn read(path: &str, options: &Options<'_>, salt: &Salt, snapshot: &mut Snapshot) {
    let root = Path::new(path);
    let (files, named) = if root.is_dir() {
        let discovered = ironhull_manifests::discover(root);
        snapshot.diagnostics.extend(discovered.diagnostics);
        let files = discovered.found.into_iter().filter_map(|found| match found {
            Found::File(path) => Some(path),
            _ => None,
        });
        (files.collect(), false)
    } else {
        (vec![root.to_owned()], true)
    };
    let parsed: Vec<_> = files.par_iter().map(|file| parse(file, named, options)).collect();
    let mut objects = Vec::new();
    for (found, told) in parsed {
        objects.extend(found);
        snapshot.diagnostics.extend(told);
    }
    // A dump of one kind may stand beside one of all: the first of a name counts.
    let mut known = BTreeSet::new();
    objects.retain(|object| known.insert(object.thing.clone()));
    if !options.complete {
        snapshot.coverage = coverage(root, &files);
    }
    live::take_in(objects, salt, snapshot);
}

fn parse(file: &Path, named: bool, options: &Options<'_>) -> (Vec<Object>, Vec<Diagnostic>) {
    let text = match ironhull_manifests::read(file, &LIMITS) {
        Ok(text) => text,
        Err(told) => return (Vec::new(), vec![told]),
    };
    let text = without_logs(&text);
    let manifests =
        ironhull_manifests::parse(SourceId(0), &file.display().to_string(), &text, named);
    let objects = { manifests.objects.iter() }
        .filter_map(|object| ironhull_cluster::dumped(object, &options.wanted));
    let objects = objects.collect();
    let source = Source::new(file.display().to_string(), text.into_owned());
    let told = manifests.diagnostics.into_iter().map(|told| without_place(told, &source));
    (objects, told.collect())
}

/// The text is not kept, so what is wrong with it names the line itself.
fn without_place(mut told: Diagnostic, source: &Source) -> Diagnostic {
    if let Some(place) = told.place.take() {
        let at = source.position(place.start);
        told.message = format!("{}:{}:{}: {}", source.path, at.line, at.column, told.message);
    }
    told
}

/// The objects without the logs that are printed between them.
fn without_logs(text: &str) -> Cow<'_, str> {
    if !text.contains(LOGS.0) {
        return Cow::Borrowed(text);
    }
    let mut is_log = false;
    let lines = text.split_inclusive('\n').filter(|line| {
        is_log |= line.starts_with(LOGS.0);
        let kept = !is_log;
        is_log &= !line.starts_with(LOGS.1);
        kept
    });
    Cow::Owned(lines.collect())
}

/// A list says neither of which namespaces it is nor by which labels; only the tree of
/// `kubectl cluster-info dump` tells what it has everything of.
fn coverage(root: &Path, files: &[PathBuf]) -> Coverage {
    let has = |path: PathBuf| files.contains(&path);
    let is_everywhere = |file: &str| ALWAYS.iter().all(|name| has(root.join(name).join(file)));
    if !has(root.join(NODES.0)) {
        return Coverage::Fragment;
    }
    let whole = { OF_NAMESPACES.iter() }.filter(|(file, _)| is_everywhere(file));
    Coverage::Kinds([NODES].iter().chain(whole).map(|(_, kind)| (*kind).to_owned()).collect())
}

/// What cannot be read at all.
pub(super) fn absent(path: &str) -> Option<Diagnostic> {
    let message = format!("{SCHEME}{path}: {path} does not exist");
    let told = Diagnostic::error(Code::FileUnreadable, message).help("check the path");
    (!Path::new(path).exists()).then_some(told)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use ironhull_model::Coverage;

    use super::{coverage, without_logs};

    #[test]
    fn logs_are_left_out() {
        let text = "{\"a\":1}\n==== START logs for container c of pod n/p ====\nkind: Pod\n==== END logs for container c of pod n/p ====\n{\"b\":2}\n";
        assert_eq!(without_logs(text), "{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(without_logs("kind: Pod\n"), "kind: Pod\n");
    }

    #[test]
    fn only_a_dump_of_all_namespaces_has_all_of_its_kinds() {
        let of = |namespaces: &[&str]| {
            let pods = namespaces.iter().map(|name| PathBuf::from(format!("d/{name}/pods.json")));
            let files: Vec<PathBuf> = pods.chain([PathBuf::from("d/nodes.json")]).collect();
            coverage(Path::new("d"), &files)
        };
        let all = ["default", "kube-node-lease", "kube-public", "kube-system", "shop"];
        assert!(of(&all).is_complete("", "Pod") && of(&all).is_complete("", "Node"));
        assert!(!of(&all).is_complete("", "Service"), "its file is not there");
        assert!(!of(&["default", "kube-system"]).is_complete("", "Pod"));
        assert_eq!(coverage(Path::new("d"), &[PathBuf::from("d/pods.yaml")]), Coverage::Fragment);
    }
}
