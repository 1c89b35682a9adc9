//! What the last `prove` of a cluster showed: written by `prove`, read by `check`.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ironhull_canary::Guard;
use ironhull_kube::Cluster;
use ironhull_model::Severity;
use ironhull_report::protections::{Open, Proven, Stops};
use ironhull_store::{GuardName, LastProof, Proved, load_proof, proof_path, save_proof};

use super::prove::summary::{Shown, Summary};
use crate::printer;

/// What is known of a cluster. State that cannot be used is a note.
pub(crate) fn of(cluster: &Cluster) -> Option<Proven> {
    let path = proof_path(cluster.server(), cluster.context())?;
    match load_proof(&path, cluster.server(), cluster.context()) {
        Ok(proof) => proof.as_ref().map(proven),
        Err(error) => {
            printer::error(&format!("note: {error}"));
            None
        }
    }
}

/// Keeps what was shown, `whole` or beside what was known. State that cannot be written
/// is a note.
pub(super) fn keep(
    cluster: &Cluster,
    at: String,
    namespaces: &[String],
    shown: &[Summary<'_>],
    whole: bool,
) {
    let Some(path) = proof_path(cluster.server(), cluster.context()) else { return };
    let mut places: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    // What is of the cluster is in no namespace.
    places.push("");
    let index: BTreeMap<&str, usize> = places.iter().copied().zip(0..).collect();
    let controls = shown.iter().map(|summary| proved(summary, &index)).collect();
    let mut proof = LastProof {
        server: cluster.server().to_owned(),
        context: cluster.context().to_owned(),
        times: vec![at],
        namespaces: places.into_iter().map(str::to_owned).collect(),
        controls,
    };
    let before = load_proof(&path, cluster.server(), cluster.context()).ok().flatten();
    if let Some(before) = before.filter(|_| !whole) {
        proof.add_older(before);
    }
    if let Err(error) = save_proof(&path, &proof) {
        printer::error(&format!("note: {error}"));
    }
}

fn proved(summary: &Summary<'_>, index: &BTreeMap<&str, usize>) -> Proved {
    let mut proved = Proved {
        control: summary.canary.control.id.to_string(),
        severity: summary.canary.severity.as_str().to_owned(),
        ..Proved::default()
    };
    let mut by_guard: [BTreeMap<GuardName, Vec<usize>>; 2] = Default::default();
    for (namespace, shown) in &summary.all {
        let Some(place) = index.get(namespace) else { continue };
        match shown {
            Shown::Stopped(guard) => by_guard[0].entry(name(guard)).or_default().push(*place),
            Shown::Warned(guard) => by_guard[1].entry(name(guard)).or_default().push(*place),
            Shown::Changed => proved.changed.push(*place),
            Shown::Open => proved.open.push(*place),
            Shown::Untried => proved.untried.push(*place),
        }
    }
    let [stopped, warned] = by_guard;
    proved.stopped = stopped.into_iter().collect();
    proved.warned = warned.into_iter().collect();
    proved
}

fn name(guard: &Guard) -> GuardName {
    let of = |kind: &str, name: &str, binding: &str| GuardName {
        kind: kind.to_owned(),
        name: name.to_owned(),
        binding: binding.to_owned(),
    };
    match guard {
        Guard::PodSecurity { level } => of(guard.kind(), level, ""),
        Guard::Policy { name, binding } => of(guard.kind(), name, binding),
        Guard::Webhook { name } => of(guard.kind(), name, ""),
        Guard::Escalation | Guard::Admission | Guard::Validation => of(guard.kind(), "", ""),
    }
}

/// The same as the report shows it.
fn proven(proof: &LastProof) -> Proven {
    let mut stops: BTreeMap<&GuardName, Stops> = BTreeMap::new();
    for proved in &proof.controls {
        for (guard, places) in &proved.stopped {
            let of_guard = stops.entry(guard).or_insert_with(|| Stops {
                kind: guard.kind.clone(),
                name: guard.name.clone(),
                binding: guard.binding.clone(),
                ..Stops::default()
            });
            of_guard.add([proved.control.clone()].into(), dated(proof, proved, places));
        }
    }
    let mut by_control: BTreeMap<String, Open> = BTreeMap::new();
    for found in proof.controls.iter().filter_map(|proved| open(proof, proved)) {
        match by_control.entry(found.control.clone()) {
            Entry::Vacant(entry) => _ = entry.insert(found),
            Entry::Occupied(mut entry) => entry.get_mut().namespaces.extend(found.namespaces),
        }
    }
    let mut open: Vec<Open> = by_control.into_values().collect();
    open.sort_by(|a, b| (b.severity, &a.control).cmp(&(a.severity, &b.control)));
    let is_tried = |proved: &&Proved| {
        let stopped = !proved.stopped.is_empty() || !proved.changed.is_empty();
        stopped || !proved.warned.is_empty() || !proved.open.is_empty()
    };
    let tried: BTreeSet<&str> =
        proof.controls.iter().filter(is_tried).map(|proved| &*proved.control).collect();
    Proven {
        from: proof.times.first().cloned().unwrap_or_default(),
        at: proof.times.last().cloned().unwrap_or_default(),
        n_namespaces: proof.namespaces.iter().filter(|name| !name.is_empty()).count(),
        n_tried: tried.len(),
        stops: stops.into_values().collect(),
        open,
    }
}

/// Where a control's canary was admitted with its fault, if anywhere.
fn open(proof: &LastProof, proved: &Proved) -> Option<Open> {
    let warned = proved.warned.iter().flat_map(|(_, places)| places);
    let places: Vec<usize> = proved.open.iter().chain(warned).copied().collect();
    let severity = Severity::ALL.into_iter().find(|known| known.as_str() == proved.severity)?;
    let mut namespaces = dated(proof, proved, &places);
    if let Some(time) = namespaces.remove("") {
        namespaces.insert("the cluster".to_owned(), time);
    }
    (!namespaces.is_empty()).then(|| Open { control: proved.control.clone(), severity, namespaces })
}

/// Places with the time when something was shown of them.
fn dated(proof: &LastProof, proved: &Proved, places: &[usize]) -> BTreeMap<String, String> {
    let time = proof.times.get(proved.at).cloned().unwrap_or_default();
    { proof.places(places).into_iter() }.map(|name| (name.to_owned(), time.clone())).collect()
}

#[cfg(test)]
mod tests {
    use ironhull_store::{GuardName, LastProof, Proved};

    use super::proven;

    #[test]
    fn each_place_has_the_time_when_it_was_shown() {
        let webhook =
            GuardName { kind: "Webhook".into(), name: "w".into(), binding: String::new() };
        let of = |stopped: Vec<usize>, open: Vec<usize>| Proved {
            control: "x".into(),
            severity: "high".into(),
            stopped: vec![(webhook.clone(), stopped)],
            open,
            ..Proved::default()
        };
        let proof = |time: &str, proved| LastProof {
            times: vec![time.into()],
            namespaces: vec!["a".into(), "b".into(), String::new()],
            controls: vec![proved],
            ..LastProof::default()
        };
        let mut newer = proof("2", of(vec![1], vec![]));
        newer.add_older(proof("1", of(vec![0, 1], vec![2])));
        let proven = proven(&newer);
        assert_eq!((proven.from.as_str(), proven.at.as_str()), ("1", "2"));
        let stops: Vec<_> = { proven.stops[0].namespaces.iter() }
            .map(|(name, time)| (name.as_str(), time.as_str()))
            .collect();
        assert_eq!(stops, [("a", "1"), ("b", "2")]);
        let open: Vec<_> = proven.open[0].namespaces.iter().collect();
        assert_eq!(open, [(&"the cluster".to_owned(), &"1".to_owned())]);
    }
}
