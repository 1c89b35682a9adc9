//! AppArmor, SELinux and seccomp.

use ironhull_model::Node;

use super::baseline::{forbid, setters, string, values, who};
use super::{Forbidden, Verdict};
use crate::text::{containers, go_quote, plural, quoted, sorted};
use crate::{Culprit, Pod, name, set};

fn bad_type<'a>(node: Node<'a>, profile: &str) -> Option<(Node<'a>, Vec<String>)> {
    let profile = set(set(node, "securityContext")?, profile)?;
    let kind = string(profile, "type");
    let bad = kind != "RuntimeDefault" && kind != "Localhost";
    bad.then(|| (profile.get("type").unwrap_or(profile), vec![kind.to_owned()]))
}

pub(super) fn app_armor<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
    let allowed = |value: &str| {
        value.is_empty() || value == "runtime/default" || value.starts_with("localhost/")
    };
    let mut culprits = setters(pod, |node| bad_type(node, "appArmorProfile"));
    let mut setters = if culprits.is_empty() { Vec::new() } else { vec![who(&culprits)] };
    let mut bad = values(&culprits);
    let mut annotations = Vec::new();
    for (key, node) in pod.annotations().filter(|(key, _)| key.starts_with(PREFIX)) {
        let value = node.as_str().unwrap_or_default();
        if !allowed(value) {
            let text = format!("{key}={}", go_quote(value));
            annotations.push(text.clone());
            culprits.push(Culprit { container: None, node, absent: &[], values: vec![text] });
        }
    }
    if !annotations.is_empty() {
        setters.push(plural("annotation", "annotations", annotations.len()).to_owned());
        annotations.sort();
        bad.extend(annotations);
    }
    if culprits.is_empty() {
        return None;
    }
    Some(Forbidden {
        reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", bad.len())
            .to_owned(),
        detail: format!(
            "{} must not set AppArmor profile type to {}",
            setters.join(" and "),
            quoted(&bad)
        ),
        culprits,
    })
}

pub(super) fn selinux<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    selinux_with(pod, &["", "container_t", "container_init_t", "container_kvm_t"])
}

pub(super) fn selinux_1_31<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    selinux_with(
        pod,
        &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"],
    )
}

fn selinux_with<'a>(pod: &Pod<'a>, types: &[&str]) -> Verdict<'a> {
    let culprits = setters(pod, |node| {
        let options = set(set(node, "securityContext")?, "seLinuxOptions")?;
        let kind = string(options, "type");
        let mut bad = Vec::new();
        if !types.contains(&kind) {
            bad.push(kind.to_owned());
        }
        let named = !string(options, "user").is_empty() || !string(options, "role").is_empty();
        (named || !bad.is_empty()).then_some((options, bad))
    });
    let is_set =
        |field: &str| culprits.iter().any(|culprit| !string(culprit.node, field).is_empty());
    let (user, role) = (is_set("user"), is_set("role"));
    forbid(culprits, "seLinuxOptions", |culprits| {
        let types = values(culprits);
        let mut data = Vec::new();
        if !types.is_empty() {
            data.push(format!("{} {}", plural("type", "types", types.len()), quoted(&types)));
        }
        if user {
            data.push("user may not be set".to_owned());
        }
        if role {
            data.push("role may not be set".to_owned());
        }
        format!(
            "{} set forbidden securityContext.seLinuxOptions: {}",
            who(culprits),
            data.join("; ")
        )
    })
}

/// Up to 1.18 seccomp was said in alpha annotations; those of containers that do
/// not exist are not looked at.
pub(super) fn seccomp_annotations<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    const POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
    const CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
    let allowed = |value: &str| {
        matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")
    };
    let is_ours = |key: &str| {
        key == POD
            || key
                .strip_prefix(CONTAINER)
                .is_some_and(|of| pod.containers().any(|container| name(container) == of))
    };
    let culprits: Vec<Culprit<'a>> = pod
        .annotations()
        .filter(|(key, node)| is_ours(key) && !allowed(node.as_str().unwrap_or_default()))
        .map(|(key, node)| {
            let values = vec![format!("{key}={}", go_quote(node.as_str().unwrap_or_default()))];
            Culprit { container: None, node, absent: &[], values }
        })
        .collect();
    forbid(culprits, "seccompProfile", |culprits| {
        let bad = values(culprits);
        format!("forbidden {} {}", plural("annotation", "annotations", bad.len()), bad.join(", "))
    })
}

pub(super) fn seccomp_baseline<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let culprits = setters(pod, |node| bad_type(node, "seccompProfile"));
    forbid(culprits, "seccompProfile", |culprits| {
        format!(
            "{} must not set securityContext.seccompProfile.type to {}",
            who(culprits),
            quoted(&sorted(values(culprits)))
        )
    })
}

pub(super) fn seccomp_restricted<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    let explicit = seccomp_baseline(pod);
    if explicit.is_some() {
        return explicit;
    }
    let profile = |node: Node<'a>| set(set(node, "securityContext")?, "seccompProfile");
    if profile(pod.spec).is_some() {
        return None;
    }
    let culprits: Vec<Culprit<'a>> = pod
        .containers()
        .filter(|container| profile(*container).is_none())
        .map(|container| missing(container, &["seccompProfile", "type"]))
        .collect();
    forbid(culprits, "seccompProfile", |culprits| {
        let names: Vec<&str> = culprits.iter().filter_map(|culprit| culprit.container).collect();
        format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            containers(&names)
        )
    })
}

pub(super) fn seccomp_restricted_1_25<'a>(pod: &Pod<'a>) -> Verdict<'a> {
    if pod.is_windows() { None } else { seccomp_restricted(pod) }
}

/// A culprit whose `securityContext` lacks a field.
pub(super) fn missing<'a>(container: Node<'a>, field: &'static [&'static str]) -> Culprit<'a> {
    let context = set(container, "securityContext");
    let absent: &'static [&'static str] = match (context, field) {
        (Some(_), _) => field,
        (None, ["seccompProfile", ..]) => &["securityContext", "seccompProfile", "type"],
        (None, ["runAsNonRoot"]) => &["securityContext", "runAsNonRoot"],
        (None, ["capabilities", ..]) => &["securityContext", "capabilities", "drop"],
        (None, _) => &["securityContext", "allowPrivilegeEscalation"],
    };
    Culprit {
        container: Some(name(container)),
        node: context.unwrap_or(container),
        absent,
        values: Vec::new(),
    }
}
