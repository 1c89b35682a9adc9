//! What runs as whom (APP-41), and what Pod Security says of it.

use std::fmt::Write;

use ironhull_model::{Minor, Node, Object, Snapshot, image};
use ironhull_process::ports::{Bind, bind};
use ironhull_process::{Capabilities, Group, Process, Source, User, processes};
use ironhull_pss::{Level, Pod, Version, describe, evaluate};
use ironhull_schema::Schema;

/// Sections about the pods that an object makes; nothing for other objects.
pub(super) fn write(object: &Object, snapshot: &Snapshot, out: &mut String) {
    let thing = &object.thing;
    let schema = Schema::of(snapshot.minor);
    let Some(pod) = schema.pod_spec(&thing.group, &thing.kind, object.root()) else { return };
    let processes = processes(pod);
    if !processes.is_empty() {
        out.push_str("\nRUNS AS\n");
    }
    for process in &processes {
        identity(process, pod, out);
    }
    let meta = schema.pod_meta(&thing.group, &thing.kind, object.root());
    pod_security(&Pod { spec: pod, meta }, snapshot.minor, out);
    images(&processes, out);
}

fn row(out: &mut String, name: &str, text: &str) {
    _ = writeln!(out, "    {name:<13} {text}");
}

fn identity(process: &Process<'_>, pod: Node<'_>, out: &mut String) {
    _ = writeln!(out, "  container {}", process.name());
    let by = |source: Source, field: &str| format!("{}'s securityContext.{field}", source.as_str());
    row(
        out,
        "user",
        &match process.user {
            User::Uid(uid, source) => format!("uid {uid}, by the {}", by(source, "runAsUser")),
            User::Image => "the image's user (runAsUser is not set)".to_owned(),
        },
    );
    row(out, "primary group", &match process.group {
        Group::Gid(gid, source) => format!("gid {gid}, by the {}", by(source, "runAsGroup")),
        Group::RootUnlessPasswd => {
            "gid 0, the root group, unless the image's /etc/passwd gives the uid another (runAsGroup is not set)".to_owned()
        }
        Group::Image => "the image's group (runAsGroup is not set)".to_owned(),
    });
    let listed: Vec<String> = process.groups.iter().map(ToString::to_string).collect();
    let image = if process.image_groups {
        "and those that the image's /etc/group gives the user"
    } else {
        ""
    };
    let groups = match (listed.is_empty(), image) {
        (true, "") => "none".to_owned(),
        (true, _) => "only those that the image's /etc/group gives the user".to_owned(),
        (false, image) => format!("{} {image}", listed.join(", ")).trim_end().to_owned(),
    };
    row(out, "other groups", &groups);
    if let Some(group) = process.fs_group {
        row(
            out,
            "volumes",
            &format!(
                "owned by group {group} and writable to it, where their type supports it (fsGroup)"
            ),
        );
    }
    row(out, "capabilities", &capabilities(process));
    let ports = process.container.get("ports").into_iter().flat_map(Node::items);
    for port in
        ports.filter_map(|port| port.get("containerPort")?.as_i64()).filter(|port| *port < 1024)
    {
        row(
            out,
            &format!("port {port}"),
            match bind(process, pod, port, None) {
                Bind::Can => "can be bound",
                Bind::Cannot => {
                    "cannot be bound: the pod's net.ipv4.ip_unprivileged_port_start is above it"
                }
                Bind::NodeDecides => {
                    "may fail: the node's net.ipv4.ip_unprivileged_port_start decides"
                }
                Bind::ImageDecides => "the image's user decides",
            },
        );
    }
}

fn capabilities(process: &Process<'_>) -> String {
    use ironhull_process::Effective;
    let Capabilities { bounding, added, effective } = &process.capabilities;
    let added: Vec<&str> = added.iter().map(String::as_str).collect();
    let most = match bounding {
        None => "every capability".to_owned(),
        Some(bounding) if bounding.is_empty() => "none".to_owned(),
        Some(bounding) if added.is_empty() => {
            format!("{} of the runtime's default", bounding.len())
        }
        Some(bounding) => format!("{} with those added ({})", bounding.len(), added.join(", ")),
    };
    match effective {
        Effective::Bounding => format!("{most}: root has all of its bounding set"),
        Effective::NoneForEver if added.is_empty() => {
            "none (CapEff 0): a user other than root, and no_new_privs keeps files from giving any"
                .to_owned()
        }
        Effective::NoneForEver => format!(
            "none (CapEff 0): the bounding set has {most}, but a user other than root starts without, and no_new_privs keeps files from giving any; the grant is inert"
        ),
        Effective::NoneUntilFile => format!(
            "none at first (CapEff 0): a file with capabilities or set-uid gives up to the bounding set: {most}"
        ),
        Effective::Unknown => format!("{most} if the image's user is root, else none at first"),
    }
}

fn pod_security(pod: &Pod<'_>, minor: Minor, out: &mut String) {
    out.push_str("\nPOD SECURITY\n");
    let version = Version::parse("latest").map(|version| version.on(minor));
    for level in [Level::Privileged, Level::Baseline, Level::Restricted] {
        let failures = version.map_or_else(Vec::new, |version| evaluate(level, version, pod));
        let verdict = match failures.as_slice() {
            [] => "allowed".to_owned(),
            failures => format!("refused: {}", describe(failures)),
        };
        _ = writeln!(out, "  {:<11} {verdict}", level.to_string());
    }
}

fn images(processes: &[Process<'_>], out: &mut String) {
    let images = processes.iter().filter_map(|process| process.container.get("image")?.as_str());
    let mut repositories: Vec<&str> = images.collect();
    repositories.sort_unstable();
    repositories.dedup();
    if repositories.is_empty() {
        return;
    }
    out.push_str("\nIMAGES\n");
    for image in repositories {
        let parsed = image::parse(image);
        let pinned =
            if parsed.digest.is_some() { "pinned by digest" } else { "not pinned by digest" };
        _ = writeln!(
            out,
            "  {image}  {pinned}; age and vulnerabilities: not asked, that needs the image"
        );
    }
}
