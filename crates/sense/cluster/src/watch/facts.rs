//! What stands outside of objects, asked for again and again while a cluster is followed.

use ironhull_kube::Error;
use ironhull_model::{Cause, Coverage, Fact, Gap};

use super::{Event, Kinds};
use crate::discovery::Resource;
use crate::{Seen, helm, kubelets, list, stale};

impl Kinds {
    /// Asks for what stands outside of objects. What is not answered is told as it was.
    pub(super) async fn facts(&mut self) {
        let cluster = &self.shared.cluster;
        let Some(found) = &self.found else { return };
        let mut seen = Seen {
            version: String::new(),
            minor: None,
            objects: Vec::new(),
            facts: vec![found.server.fact()],
            coverage: Coverage::Fragment,
            gaps: found.stale.iter().map(|version| stale(version)).collect(),
        };
        seen.gaps.extend(found.left_out.iter().cloned());
        let mut unlisted = Vec::new();
        for (resource, extent, fact) in &found.with_facts {
            match list::list(cluster, resource, None, *extent).await {
                Ok(listed) => seen.objects.extend(listed.objects),
                // What may not be listed is told as a kind that cannot be seen.
                Err(error) if matches!(error.code(), Some(401 | 403 | 404 | 405)) => {}
                Err(error) => {
                    unlisted.push(*fact);
                    let not_asked = self
                        .gaps
                        .iter()
                        .filter(|gap| gap.fact == Some(*fact) && gap.cause == Cause::NotAsked);
                    match not_asked.clone().count() {
                        0 => seen.gaps.push(outdated(resource, fact, &error)),
                        _ => seen.gaps.extend(not_asked.cloned()),
                    }
                }
            }
        }
        kubelets::read(cluster, self.asked.kubelets, &mut seen).await;
        helm::read(cluster, self.asked.helm_releases, &mut seen).await;
        let kept = kept(&self.facts, &seen, &unlisted);
        seen.facts.extend(kept);
        self.facts.clone_from(&seen.facts);
        self.gaps.clone_from(&seen.gaps);
        self.shared.tell(Event::Facts { facts: seen.facts, gaps: seen.gaps }).await;
    }
}

/// Facts of before that nothing came in place of, because it was not answered: of kinds that
/// were not listed, and of those things that are still there.
fn kept(before: &[Fact], seen: &Seen, unlisted: &[&str]) -> Vec<Fact> {
    let releases = helm::newest(&seen.objects);
    let is_there = |fact: &Fact| match fact.name {
        helm::FACT => releases.contains(&fact.thing),
        _ => seen.objects.iter().any(|object| object.thing == fact.thing),
    };
    let is_new = |fact: &Fact| {
        let known = |new: &Fact| (&new.thing, new.name) == (&fact.thing, fact.name);
        seen.facts.iter().any(known)
    };
    let has_failed = |fact: &Fact| {
        let of = |gap: &Gap| gap.fact == Some(fact.name) && gap.cause == Cause::Unreadable;
        seen.gaps.iter().any(of)
    };
    let stays = |fact: &&Fact| {
        !is_new(fact) && (unlisted.contains(&fact.name) || has_failed(fact) && is_there(fact))
    };
    before.iter().filter(stays).cloned().collect()
}

/// Facts of a kind that may be older than they look.
fn outdated(resource: &Resource, fact: &'static str, error: &Error) -> Gap {
    Gap {
        what: format!("what is told of {} objects, which stays as it was", resource.shown()),
        cause: Cause::Unreadable,
        reason: error.to_string(),
        supply: format!("kubectl get --raw '{}?limit=1'", resource.path(None)),
        fact: Some(fact),
        kind: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ironhull_model::{Builder, Cause, Coverage, Fact, Gap, Object, ThingRef};

    use super::{helm, kept, kubelets};
    use crate::Seen;

    fn fact(name: &'static str, kind: &str, of: &str) -> Fact {
        let mut value = Builder::new();
        value.bool(true, 0, 0);
        let thing = Arc::new(ThingRef::new("", kind, "", of));
        Fact { thing, name, value: value.finish(), source: String::new() }
    }

    fn seen(objects: &[&str], facts: &[Fact], failed: Option<(&'static str, Cause)>) -> Seen {
        let object = |json: &&str| Object::new(serde_json::from_str(json).unwrap(), None).unwrap();
        let gap = |(fact, cause)| Gap {
            what: String::new(),
            cause,
            reason: String::new(),
            supply: String::new(),
            fact: Some(fact),
            kind: None,
        };
        Seen {
            version: String::new(),
            minor: None,
            objects: objects.iter().map(object).collect(),
            facts: facts.to_vec(),
            coverage: Coverage::Fragment,
            gaps: failed.into_iter().map(gap).collect(),
        }
    }

    #[test]
    fn what_is_not_answered_stays_as_it_was() {
        let node = |name: &str| fact(kubelets::FACT, "Node", name);
        let release = |name: &str| fact(helm::FACT, "Secret", name);
        let (first, second) = ("sh.helm.release.v1.web.v1", "sh.helm.release.v1.web.v2");
        let names = |before: &[Fact], seen: &Seen, unlisted: &[&str]| -> Vec<String> {
            let kept = kept(before, seen, unlisted);
            kept.iter().map(|fact| fact.thing.name.to_string()).collect()
        };
        let of_node = r#"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}"#;
        let of_secret = |name: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"Secret","type":"helm.sh/release.v1","metadata":{{"name":"{name}"}}}}"#
            )
        };
        let before = [node("a"), node("gone"), release(first)];
        // Nothing was listed: it is not known what is gone.
        let lost = seen(&[], &[], None);
        assert_eq!(names(&before, &lost, &[helm::FACT]), [first]);
        assert_eq!(names(&before, &lost, &[kubelets::FACT, helm::FACT]).len(), 3);
        assert_eq!(names(&before, &lost, &[]), [""; 0]);
        // A kubelet did not answer; another did, and one is gone.
        let silent = Some((kubelets::FACT, Cause::Unreadable));
        assert_eq!(names(&before, &seen(&[of_node], &[], silent), &[]), ["a"]);
        assert_eq!(names(&before, &seen(&[of_node], &[node("a")], silent), &[]), [""; 0]);
        let denied = Some((kubelets::FACT, Cause::Denied));
        assert_eq!(names(&before, &seen(&[of_node], &[], denied), &[]), [""; 0]);
        // Of releases the newest counts.
        let (old, new) = (of_secret(first), of_secret(second));
        let failed = Some((helm::FACT, Cause::Unreadable));
        assert_eq!(names(&before, &seen(&[&old], &[], failed), &[]), [first]);
        assert_eq!(names(&before, &seen(&[&old, &new], &[], failed), &[]), [""; 0]);
    }
}
