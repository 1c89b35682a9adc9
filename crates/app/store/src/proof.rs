//! What canaries last showed of a cluster: who stopped which control where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{File, StoreError, folder};

/// How much of a cluster's name is in the name of its file.
const LONGEST_NAME: usize = 120;

/// What the last runs of `prove` showed of one cluster. Of a control in a namespace the
/// last one counts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastProof {
    /// The API server's address.
    pub server: String,
    /// The context of the kubeconfig; empty inside a pod.
    pub context: String,
    /// When they were, RFC 3339, oldest first.
    pub times: Vec<String>,
    /// The namespaces that canaries were sent to; the empty one is the cluster itself.
    pub namespaces: Vec<String>,
    /// What was shown, by control.
    #[serde(skip)]
    pub controls: Vec<Proved>,
}

/// Who stopped something: a kind of guard, and its name and binding where it has them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct GuardName {
    /// `PodSecurity`, `Policy`, `Webhook`, `RBAC`, `AdmissionPlugin` or `Validation`.
    pub kind: String,
    /// A level, a policy's or a webhook's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The policy's binding.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub binding: String,
}

/// What was shown of one control. Places are indices into [`LastProof::namespaces`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Proved {
    /// The control.
    pub control: String,
    /// How grave what it forbids is.
    pub severity: String,
    /// When: an index into [`LastProof::times`].
    pub at: usize,
    /// Where it was stopped, by whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<(GuardName, Vec<usize>)>,
    /// Where it was admitted without its fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<usize>,
    /// Where it was admitted with a warning, and whose.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<(GuardName, Vec<usize>)>,
    /// Where nobody minded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<usize>,
    /// Where nothing was shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untried: Vec<usize>,
}

impl Proved {
    /// The places where something was shown.
    fn shown(&self) -> impl Iterator<Item = usize> {
        let guards = self.stopped.iter().chain(&self.warned).map(|(_, places)| places);
        guards.chain([&self.changed, &self.open]).flatten().copied()
    }

    fn is_empty(&self) -> bool {
        let guards = self.stopped.is_empty() && self.warned.is_empty();
        guards && self.changed.is_empty() && self.open.is_empty() && self.untried.is_empty()
    }
}

impl LastProof {
    /// Adds what an older proof of the same cluster showed, where this one showed nothing.
    /// Of a control each place is then in one entry: that of the time when it was shown.
    pub fn add_older(&mut self, older: LastProof) {
        let LastProof { times, namespaces, controls, .. } = older;
        let places: Vec<usize> = namespaces.into_iter().map(|name| self.place(name)).collect();
        self.forget_untried(&controls, &places);
        let mut own: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for proved in &mut self.controls {
            let places = proved.shown().chain(proved.untried.iter().copied()).collect();
            own.insert(proved.control.clone(), places);
            proved.at += times.len();
        }
        self.times.splice(0..0, times);
        for mut proved in controls {
            let is_newer = |place: &usize| {
                own.get(&proved.control).is_some_and(|places| places.contains(place))
            };
            let shown = |list: &[usize]| -> Vec<usize> {
                let here = list.iter().filter_map(|place| places.get(*place).copied());
                here.filter(|place| !is_newer(place)).collect()
            };
            let mut rest = Proved { stopped: Vec::new(), warned: Vec::new(), ..Proved::default() };
            for (from, to) in
                [(&proved.stopped, &mut rest.stopped), (&proved.warned, &mut rest.warned)]
            {
                let by_guard = from.iter().map(|(guard, list)| (guard.clone(), shown(list)));
                to.extend(by_guard.filter(|(_, list)| !list.is_empty()));
            }
            rest.changed = shown(&proved.changed);
            rest.open = shown(&proved.open);
            rest.untried = shown(&proved.untried);
            if !rest.is_empty() {
                rest.control = std::mem::take(&mut proved.control);
                rest.severity = std::mem::take(&mut proved.severity);
                rest.at = proved.at;
                self.controls.push(rest);
            }
        }
        self.forget_unused_times();
    }

    /// Where nothing could be shown now, what was shown before still counts.
    fn forget_untried(&mut self, older: &[Proved], places: &[usize]) {
        let mut shown: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for proved in older {
            let here = proved.shown().filter_map(|place| places.get(place).copied());
            shown.entry(&proved.control).or_default().extend(here);
        }
        for proved in &mut self.controls {
            if let Some(shown) = shown.get(proved.control.as_str()) {
                proved.untried.retain(|place| !shown.contains(place));
            }
        }
        self.controls.retain(|proved| !proved.is_empty());
    }

    /// The index of a namespace, which is added where it is new.
    fn place(&mut self, name: String) -> usize {
        match self.namespaces.iter().position(|known| *known == name) {
            Some(at) => at,
            None => {
                self.namespaces.push(name);
                self.namespaces.len() - 1
            }
        }
    }

    fn forget_unused_times(&mut self) {
        let used: BTreeSet<usize> = self.controls.iter().map(|proved| proved.at).collect();
        for proved in &mut self.controls {
            proved.at = used.range(..proved.at).count();
        }
        let times = std::mem::take(&mut self.times).into_iter().enumerate();
        self.times = times.filter(|(at, _)| used.contains(at)).map(|(_, time)| time).collect();
    }

    /// The namespaces of indices; those that are none are left out.
    pub fn places(&self, indices: &[usize]) -> Vec<&str> {
        indices.iter().filter_map(|index| self.namespaces.get(*index)).map(String::as_str).collect()
    }
}

/// Where the proof of a cluster is: in the folder `proofs` of the state; none without
/// a home. The name is for people; what tells clusters apart that read alike is the hash
/// at its end.
pub fn proof_path(server: &str, context: &str) -> Option<PathBuf> {
    let name = format!("{}-{context}", server.split_once("://").map_or(server, |(_, rest)| rest));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
    let plain = name.chars().take(LONGEST_NAME).map(|c| if is_plain(c) { c } else { '-' });
    let plain: String = plain.collect();
    // Neither holds a NUL.
    let hash = Sha256::digest(format!("{server}\0{context}"));
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Some(folder()?.join("proofs").join(format!("{plain}-{hash}.json")))
}

fn file(path: &Path) -> File<'_> {
    File { path, command: "prove" }
}

/// Reads what canaries last showed of a cluster; none where that is not known.
pub fn load_proof(
    path: &Path,
    server: &str,
    context: &str,
) -> Result<Option<LastProof>, StoreError> {
    // The name of the file is not all of the cluster's.
    let is_of = |proof: &LastProof| proof.server == server && proof.context == context;
    match file(path).load(is_of) {
        Ok(read) => Ok(read.map(|(proof, controls)| LastProof { controls, ..proof })),
        Err(StoreError::Nothing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes what canaries showed of a cluster, in place of what was known.
pub fn save_proof(path: &Path, proof: &LastProof) -> Result<(), StoreError> {
    file(path).save(proof, &proof.controls)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{GuardName, LastProof, Proved, load_proof, proof_path, save_proof};
    use crate::StoreError;

    #[test]
    fn what_was_shown_is_read_back_for_its_cluster_only() {
        let folder = std::env::temp_dir().join(format!("ironhull-proof-{}", std::process::id()));
        let path = folder.join("proofs/a.json");
        let load = |server, context| load_proof(&path, server, context);
        assert!(matches!(load("https://a", "c"), Ok(None)), "nothing was proven yet");
        let webhook =
            GuardName { kind: "Webhook".into(), name: "w.example".into(), ..GuardName::default() };
        let proof = LastProof {
            server: "https://a".into(),
            context: "c".into(),
            times: vec!["2026-11-26T00:00:00Z".into()],
            namespaces: vec!["default".into(), "shop".into()],
            controls: vec![Proved {
                control: "privileged-container".into(),
                severity: "critical".into(),
                stopped: vec![(webhook, vec![1])],
                open: vec![0],
                ..Proved::default()
            }],
        };
        save_proof(&path, &proof).unwrap();
        assert_eq!(load("https://a", "c").unwrap(), Some(proof.clone()));
        assert_eq!(proof.places(&[1, 7]), ["shop"]);
        assert!(matches!(load("https://b", "c"), Ok(None)));
        assert!(matches!(load("https://a", "d"), Ok(None)));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "{\"server\": 7}").unwrap();
        let damaged = load("https://a", "c").unwrap_err();
        assert!(matches!(damaged, StoreError::Damaged { .. }));
        assert!(damaged.to_string().ends_with("run `ironhull prove` again"), "{damaged}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_older_counts_where_nothing_newer_was_shown() {
        let of = |control: &str, open: Vec<usize>, changed: Vec<usize>| Proved {
            control: control.into(),
            severity: "high".into(),
            open,
            changed,
            ..Proved::default()
        };
        let proof = |time: &str, namespaces: &[&str], controls| LastProof {
            times: vec![time.into()],
            namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
            controls,
            ..LastProof::default()
        };
        let older =
            proof("1", &["a", "b"], vec![of("x", vec![0, 1], vec![]), of("y", vec![0], vec![])]);
        let mut newer = proof("2", &["c", "b"], vec![of("x", vec![0], vec![1])]);
        newer.add_older(older);
        assert_eq!(newer.times, ["1", "2"]);
        let shown: Vec<_> = { newer.controls.iter() }
            .map(|it| {
                (it.control.as_str(), it.at, newer.places(&it.open), newer.places(&it.changed))
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("x", 1, vec!["c"], vec!["b"]),
                ("x", 0, vec!["a"], vec![]),
                ("y", 0, vec!["a"], vec![])
            ]
        );
        // What is shown anew altogether leaves nothing of its time.
        let again = vec![of("x", vec![0, 1, 2], vec![]), of("y", vec![0], vec![])];
        let mut newest = proof("3", &["a", "b", "c"], again);
        newest.add_older(newer);
        assert_eq!((newest.times.as_slice(), newest.controls.len()), (&["3".to_owned()][..], 2));
    }

    #[test]
    fn what_could_not_be_tried_again_is_said_once_with_its_time() {
        let of = |open: Vec<usize>, untried: Vec<usize>| Proved {
            control: "x".into(),
            open,
            untried,
            ..Proved::default()
        };
        let proof = |time: &str, proved| LastProof {
            times: vec![time.into()],
            namespaces: vec!["a".into(), "b".into(), "c".into()],
            controls: vec![proved],
            ..LastProof::default()
        };
        let mut newer = proof("2", of(vec![0], vec![1, 2]));
        newer.add_older(proof("1", of(vec![1], vec![2])));
        let said: Vec<_> = { newer.controls.iter() }
            .map(|it| (&*newer.times[it.at], newer.places(&it.open), newer.places(&it.untried)))
            .collect();
        assert_eq!(said, [("2", vec!["a"], vec!["c"]), ("1", vec!["b"], vec![])]);
    }

    #[test]
    fn contexts_that_read_alike_have_files_of_their_own() {
        let path = |context: &str| proof_path("https://a", context).unwrap();
        assert_ne!(path("a/b"), path("a-b"));
        assert_ne!(proof_path("http://a", "c"), proof_path("https://a", "c"));
        let long = |end: &str| path(&format!("{}{end}", "x".repeat(500)));
        assert_ne!(long("a"), long("b"));
        assert_eq!(path("a/b"), path("a/b"));
    }

    #[test]
    fn names_of_clusters_lead_no_file_elsewhere() {
        let path = proof_path("https://a.example:6443", "../../x y").unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("a.example-6443-..-..-x-y-"), "{name}");
        let long = proof_path("https://a", &"x".repeat(500)).unwrap();
        assert!(long.file_name().unwrap().len() < 150);
    }
}
