//! Dumps as a target: what `kubectl get -o yaml|json` and `kubectl cluster-info dump`
//! print of a running cluster, in a file or a directory of files.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ironhull_manifests::{Found, Limits};
use ironhull_model::{
    Code, Coverage, Diagnostic, Minor, Named, Node, Object, Snapshot, Source, SourceId, Wanted,
};
use ironhull_schema::{Schema, admission, crd};
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
/// `named` by policies among the other targets.
pub(super) fn read(
    path: &str,
    options: &Options<'_>,
    named: &Named,
    salt: &Salt,
    snapshot: &mut Snapshot,
) {
    let root = Path::new(path);
    let (files, is_named) = if root.is_dir() {
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
    let mut wanted = options.wanted_with_policies();
    wanted.named.add(named.clone());
    let parsed: Vec<_> = files.par_iter().map(|file| parse(file, is_named, &wanted)).collect();
    let (mut objects, mut later) = (Vec::new(), Vec::new());
    for of_file in parsed {
        objects.extend(of_file.objects);
        later.extend(of_file.later);
        snapshot.diagnostics.extend(of_file.told);
    }
    objects.iter().for_each(|object| wanted.named.add(admission::named(object)));
    kinds_of_resources(&mut wanted, &objects, options.minor);
    objects.extend(later.iter().filter_map(|object| ironhull_cluster::dumped(object, &wanted)));
    // A dump of one kind may stand beside one of all: the first of a name counts.
    let mut known = BTreeSet::new();
    objects.retain(|object| known.insert(object.thing.clone()));
    snapshot.coverage = match options.complete {
        true => Coverage::AllBut(ironhull_cluster::never_read().collect()),
        false => coverage(root, &files),
    };
    snapshot.gaps.extend(ironhull_cluster::not_dumped(&wanted.named, options.minor));
    live::take_in(objects, salt, snapshot);
}

/// What a file of a dump holds.
#[derive(Default)]
struct OfFile {
    objects: Vec<Object>,
    /// Of which it depends on the dump's policies how much is read.
    later: Vec<Object>,
    told: Vec<Diagnostic>,
}

fn parse(file: &Path, named: bool, wanted: &Wanted) -> OfFile {
    let text = match ironhull_manifests::read(file, &LIMITS) {
        Ok(text) => text,
        Err(told) => return OfFile { told: vec![told], ..OfFile::default() },
    };
    let text = without_logs(&text);
    let manifests =
        ironhull_manifests::parse(SourceId(0), &file.display().to_string(), &text, named);
    let is_later = |object: &Object| ironhull_cluster::is_read_for_policies(object, wanted);
    let (later, now): (Vec<Object>, Vec<Object>) =
        manifests.objects.into_iter().partition(is_later);
    let objects = now.iter().filter_map(|object| ironhull_cluster::dumped(object, wanted));
    let objects = objects.collect();
    let source = Source::new(file.display().to_string(), text.into_owned());
    let told = manifests.diagnostics.into_iter().map(|told| without_place(told, &source));
    OfFile { objects, later, told: told.collect() }
}

/// Adds the kinds of the resources that admission policies name, as far as the definitions
/// of the dump and Kubernetes' own kinds tell them.
fn kinds_of_resources(wanted: &mut Wanted, objects: &[Object], minor: Minor) {
    let definitions = objects.iter().filter(|object| object.is(crd::GROUP, crd::KIND));
    let defined = definitions.filter_map(|object| {
        let spec = object.root().get("spec")?;
        let text = |path: &[&str]| spec.path(path).and_then(Node::as_str).map(str::to_owned);
        Some((text(&["group"])?, text(&["names", "plural"])?, text(&["names", "kind"])?))
    });
    let own = Schema::of(minor).kinds();
    let own = own.map(|of| (of.group.to_owned(), of.resource.to_owned(), of.kind.to_owned()));
    for (group, resource, kind) in defined.chain(own) {
        if wanted.named.resources.contains(&(group.clone(), resource)) {
            wanted.named.kinds.insert((group, kind));
        }
    }
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
    let why = ironhull_manifests::absent(Path::new(path))?;
    let message = format!("{SCHEME}{path}: {why}");
    Some(Diagnostic::error(Code::FileUnreadable, message).help("check the path"))
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
