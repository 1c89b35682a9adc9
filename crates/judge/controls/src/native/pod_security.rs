//! `pss/CHECK`: one control per check of the Pod Security Standards. The engine
//! says whether and who; here each culprit becomes an element of its own.

use ironhull_model::{Builder, Node, Pointer, RepairStep, Value};
use ironhull_pss::{Culprit, Pod, Version};

use super::{Answer, Element, Looks, Rules, Subject};

macro_rules! rules {
    ($($id:literal $sentence:literal;)*) => {
        pub(super) const RULES: Rules =
            &[$((concat!("pss/", $id), |subject| judge($id, $sentence, subject), Looks::Own),)*];
    };
}

// id of the check, and what to say of one culprit: {who} and {values}.
rules! {
    "appArmorProfile" "{who} sets the AppArmor profile {values}, which is no confinement";
    "capabilities_baseline" "{who} adds {values}, beyond what the Pod Security baseline allows";
    "hostNamespaces" "the pod shares the node's namespaces: {values}";
    "hostPathVolumes" "volume {values} is a directory of the node";
    "hostPorts" "{who} binds port {values} of the node";
    "hostProbesAndHostLifecycle" "a probe or hook of {who} connects to {values}";
    "privileged" "{who} is privileged";
    "procMount" "{who} mounts /proc {values}";
    "seLinuxOptions" "{who} sets SELinux options that leave the container's domain";
    "seccompProfile_baseline" "{who} sets seccomp {values}";
    "sysctls" "the pod sets the sysctl {values}, which is not namespaced or not safe";
    "windowsHostProcess" "{who} runs as a Windows HostProcess";
    "allowPrivilegeEscalation" "{who} may gain privileges (allowPrivilegeEscalation is not false)";
    "capabilities_restricted" "{who} does not drop ALL capabilities, or adds more than NET_BIND_SERVICE";
    "procMount_restricted" "{who} mounts /proc {values}";
    "restrictedVolumes" "volume {name} is of type {values}";
    "runAsNonRoot" "{who} may run as root (runAsNonRoot is not true)";
    "runAsUser" "{who} runs as uid 0";
    "seccompProfile_restricted" "{who} has no seccomp profile";
}

fn judge(id: &'static str, sentence: &str, subject: &Subject<'_>) -> Answer {
    let Some(spec) = subject.pod else { return Answer::NotApplicable };
    let pod = Pod { spec, meta: subject.meta };
    let version = Version::Latest.on(subject.world.base.minor);
    match ironhull_pss::check(id, version, &pod) {
        None => Answer::NotApplicable,
        Some(Ok(())) => Answer::Elements(Vec::new()),
        Some(Err(failure)) => Answer::Elements(
            failure
                .culprits
                .iter()
                .map(|culprit| {
                    let counted = counted(id, culprit);
                    if !subject.is_proven {
                        return counted;
                    }
                    proven(id, sentence, culprit, spec.pointer(), counted)
                })
                .collect(),
        ),
    }
}

/// The element that a culprit is, by its name and place.
fn counted(id: &str, culprit: &Culprit<'_>) -> Element {
    let name = match (culprit.container, id) {
        (Some(container), _) => container.to_owned(),
        (None, "hostPathVolumes" | "restrictedVolumes") => volume(culprit).to_owned(),
        (None, _) => culprit.values.join(","),
    };
    Element { name, at: culprit.node.pointer(), ..Element::default() }
}

fn volume<'a>(culprit: &Culprit<'a>) -> &'a str {
    culprit.node.get("name").and_then(Node::as_str).unwrap_or_default()
}

/// The element with what a person reads.
fn proven(
    id: &str,
    sentence: &str,
    culprit: &Culprit<'_>,
    pod: Pointer,
    counted: Element,
) -> Element {
    let who = culprit
        .container
        .map_or_else(|| "the pod".to_owned(), |container| format!("container {container}"));
    let mut field = culprit.node.pointer();
    culprit.absent.iter().for_each(|name| field.push(name));
    let message = sentence
        .replace("{who}", &who)
        .replace("{values}", &culprit.values.join(", "))
        .replace("{name}", volume(culprit));
    Element {
        message,
        evidence: vec![field.clone()],
        repair: repair(id, culprit, &field, &pod),
        ..counted
    }
}

/// The smallest change after which the check allows this culprit.
fn repair(id: &str, culprit: &Culprit<'_>, field: &Pointer, pod: &Pointer) -> Vec<RepairStep> {
    let set =
        |pointer: Pointer, json: &str| vec![RepairStep::Set { pointer, value: json_value(json) }];
    let remove = || vec![RepairStep::Remove { pointer: culprit.node.pointer() }];
    // The `securityContext` of whoever it is about.
    let own_context = || {
        let path = field.as_str();
        path.find("/securityContext")
            .and_then(|at| Pointer::parse(&path[..at + "/securityContext".len()]))
    };
    match id {
        "privileged" | "allowPrivilegeEscalation" => set(field.clone(), "false"),
        "hostNamespaces" | "windowsHostProcess" => remove(),
        "procMount" | "procMount_restricted" => remove(),
        // The kubelet would refuse a container that says both.
        "runAsNonRoot" if runs_as_root(culprit, pod) => ask_for_user(),
        "runAsNonRoot" => match culprit.absent {
            [] => set(field.clone(), "true"),
            _ => set(pod.join("securityContext").join("runAsNonRoot"), "true"),
        },
        "seccompProfile_baseline" if !field.as_str().contains("/annotations/") => {
            own_context().map_or_else(Vec::new, |context| {
                set(context.join("seccompProfile"), r#"{"type":"RuntimeDefault"}"#)
            })
        }
        "seccompProfile_restricted" => match culprit.absent {
            [] => own_context().map_or_else(Vec::new, |context| {
                set(context.join("seccompProfile"), r#"{"type":"RuntimeDefault"}"#)
            }),
            _ => set(pod.join("securityContext").join("seccompProfile"), r#"{"type":"RuntimeDefault"}"#),
        },
        "appArmorProfile" if !field.as_str().contains("/annotations/") => {
            own_context().map_or_else(Vec::new, |context| {
                set(context.join("appArmorProfile"), r#"{"type":"RuntimeDefault"}"#)
            })
        }
        "appArmorProfile" | "seccompProfile_baseline" | "seLinuxOptions" | "sysctls" => remove(),
        "capabilities_baseline" => keep_items(culprit, |item| !culprit.values.iter().any(|bad| bad == item)),
        "capabilities_restricted" if culprit.values.is_empty() => own_context()
            .map_or_else(Vec::new, |context| {
                let pointer = context.join("capabilities").join("drop");
                set(pointer, r#"["ALL"]"#)
            }),
        "capabilities_restricted" => keep_items(culprit, |item| item == "NET_BIND_SERVICE"),
        "runAsUser" => ask_for_user(),
        "hostPathVolumes" | "restrictedVolumes" => vec![RepairStep::Ask {
            question: "does the workload need the node's files? Use an emptyDir, a configMap or a persistentVolumeClaim instead, or record a by-design exception".to_owned(),
        }],
        "hostPorts" => culprit
            .node
            .items()
            .filter_map(|port| port.get("hostPort"))
            .filter(|port| port.as_i64() != Some(0))
            .map(|port| RepairStep::Remove { pointer: port.pointer() })
            .collect(),
        "hostProbesAndHostLifecycle" => remove(),
        _ => Vec::new(),
    }
}

fn ask_for_user() -> Vec<RepairStep> {
    let question = "which uid other than 0 does the image run as? Set runAsUser, or remove it and set runAsNonRoot: true";
    vec![RepairStep::Ask { question: question.to_owned() }]
}

/// Whether the pod or one of its containers asks for uid 0.
fn runs_as_root(culprit: &Culprit<'_>, pod: &Pointer) -> bool {
    let is_root = |node: Node<'_>| {
        let user = node.path(&["securityContext", "runAsUser"]);
        user.and_then(Node::as_i64) == Some(0)
    };
    let Some(pod) = culprit.node.value().at(pod) else { return false };
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    is_root(pod) || lists.iter().filter_map(|list| pod.get(list)).flat_map(Node::items).any(is_root)
}

fn keep_items(culprit: &Culprit<'_>, keep: impl Fn(&str) -> bool) -> Vec<RepairStep> {
    let mut builder = Builder::new();
    builder.begin_list(0);
    culprit
        .node
        .items()
        .filter(|item| item.as_str().is_some_and(&keep))
        .for_each(|item| builder.copy(item));
    builder.end(0);
    let value = builder.finish();
    let pointer = culprit.node.pointer();
    if value.root().is_empty() {
        return vec![RepairStep::Remove { pointer }];
    }
    vec![RepairStep::Set { pointer, value }]
}

fn json_value(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Builder::new().finish())
}
