use super::ports::{Bind, bind};
use super::{Capabilities, Group, Source, User, capabilities::Effective, processes};
use ironhull_model::Value;

fn pod(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn capabilities(json: &str) -> Capabilities {
    processes(pod(&format!(r#"{{"containers":[{{"name":"c","securityContext":{json}}}]}}"#)).root())
        .remove(0)
        .capabilities
}

#[test]
fn the_container_comes_before_the_pod() {
    let value = pod(
        r#"{"securityContext":{"runAsUser":1,"runAsGroup":2,"fsGroup":9,"supplementalGroups":[9,5]},"initContainers":[{"name":"i"}],"containers":[{"name":"c","securityContext":{"runAsUser":3}}]}"#,
    );
    let all = processes(value.root());
    assert_eq!(
        (all[0].user, all[0].group),
        (User::Uid(1, Source::Pod), Group::Gid(2, Source::Pod))
    );
    assert_eq!(all[1].user, User::Uid(3, Source::Container));
    assert_eq!(all[1].groups, [5, 9]);
    assert!(all[1].image_groups && !all[1].no_new_privs);
}

#[test]
fn a_user_without_group_is_in_group_root() {
    let user = pod(r#"{"containers":[{"name":"c","securityContext":{"runAsUser":1000}}]}"#);
    assert_eq!(processes(user.root())[0].group, Group::RootUnlessPasswd);
    let image = pod(r#"{"containers":[{"name":"c"}]}"#);
    let process = &processes(image.root())[0];
    assert_eq!((process.user, process.group), (User::Image, Group::Image));
    assert!(
        processes(pod(r#"{"os":{"name":"windows"},"containers":[{"name":"c"}]}"#).root())
            .is_empty()
    );
}

#[test]
fn added_capabilities_reach_a_user_never() {
    let inert = capabilities(
        r#"{"runAsUser":1000,"allowPrivilegeEscalation":false,"capabilities":{"add":["NET_ADMIN","CAP_SYS_TIME"]}}"#,
    );
    assert_eq!(inert.effective, Effective::NoneForEver);
    assert!(inert.bounds("NET_ADMIN") && inert.bounds("SYS_TIME") && inert.bounds("CHOWN"));
    let file = capabilities(r#"{"runAsUser":1000,"capabilities":{"drop":["ALL"],"add":["KILL"]}}"#);
    assert_eq!(file.effective, Effective::NoneUntilFile);
    assert!(file.bounds("KILL") && !file.bounds("CHOWN"));
    let root = capabilities(r#"{"runAsUser":0,"privileged":true}"#);
    assert_eq!((root.effective, root.bounding), (Effective::Bounding, None));
    assert_eq!(capabilities("{}").effective, Effective::Unknown);
}

#[test]
fn low_ports_depend_on_the_node() {
    let bound = |context: &str, sysctls: &str, port: i64, start: Option<i64>| {
        let value = pod(&format!(
            r#"{{"securityContext":{{"sysctls":[{sysctls}]}},"containers":[{{"name":"c","securityContext":{context}}}]}}"#
        ));
        bind(&processes(value.root())[0], value.root(), port, start)
    };
    let user = r#"{"runAsUser":1000}"#;
    assert_eq!(bound(user, "", 80, None), Bind::NodeDecides);
    assert_eq!(bound(user, "", 80, Some(0)), Bind::Can);
    assert_eq!(bound(user, "", 80, Some(1024)), Bind::Cannot);
    assert_eq!(bound(user, "", 8080, Some(1024)), Bind::Can);
    let sysctl = r#"{"name":"net.ipv4.ip_unprivileged_port_start","value":"80"}"#;
    assert_eq!(bound(user, sysctl, 80, None), Bind::Can);
    assert_eq!(bound(user, sysctl, 79, None), Bind::Cannot);
    assert_eq!(bound(r#"{"runAsUser":0}"#, "", 80, None), Bind::Can);
    assert_eq!(
        bound(r#"{"runAsUser":0,"capabilities":{"drop":["ALL"]}}"#, "", 80, Some(1024)),
        Bind::Cannot
    );
    assert_eq!(bound("{}", "", 80, None), Bind::ImageDecides);
}
