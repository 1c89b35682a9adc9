//! Rubbish in, and places that cannot be written: a clear error, and nothing lost.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;

use ironhull_testkit::wait::until;

use super::cli::{Run, folder, run_with, run_with_state};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: c, image: a}]\n";

fn run(folder: &Path, args: &[&str]) -> Run {
    run_with_state(folder, &folder.join("state"), args, "")
}

#[test]
fn a_snapshot_replaces_no_device_and_no_link() {
    let folder = folder("save-links");
    std::fs::write(folder.join("pod.yaml"), POD).unwrap();
    std::fs::write(folder.join("old"), "old").unwrap();
    std::os::unix::fs::symlink("old", folder.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).unwrap();
    let saved = run(&folder, &["check", "pod.yaml", "--save", "link"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    assert!(folder.join("link").is_symlink());
    assert!(std::fs::read(folder.join("old")).unwrap().starts_with(b"ironhull snapshot"));
    for path in ["/dev/full", "dangling", "."] {
        let refused = run(&folder, &["check", "pod.yaml", "--save", path]);
        assert_eq!(refused.code, 2, "{path}");
        assert!(refused.stderr.starts_with("error: failed to write"), "{}", refused.stderr);
    }
    assert!(!Path::new("/dev/full").metadata().unwrap().is_file());
}

#[test]
fn what_is_no_text_is_said() {
    let folder = folder("no-text");
    std::fs::write(folder.join("pod.yaml"), POD.replace("v1", "1")).unwrap();
    let said = run(&folder, &["check", "pod.yaml"]);
    assert_eq!(said.code, 3);
    let part = "this document has an integer as apiVersion instead of a text, so it is no";
    assert!(said.stderr.contains(part), "{}", said.stderr);
    // Files that may be a part say nothing of what there is none of.
    assert!(!said.stdout.contains("StorageClass"), "{}", said.stdout);
}

#[test]
fn a_path_that_leads_nowhere_says_why() {
    let folder = folder("nowhere");
    std::os::unix::fs::symlink("b", folder.join("a")).unwrap();
    std::os::unix::fs::symlink("a", folder.join("b")).unwrap();
    std::fs::write(folder.join("file"), "").unwrap();
    for (path, why) in [
        ("a", "failed to read a: Too many levels of symbolic links"),
        ("file/x", "failed to read file/x: Not a directory"),
        ("gone", "gone does not exist"),
        ("", "an empty path names no file"),
        ("dump:a", "dump:a: failed to read a: Too many levels of symbolic links"),
    ] {
        let said = run(&folder, &["check", path]);
        assert_eq!(said.code, 3, "{path}");
        assert!(said.stderr.contains(why), "{path}: {}", said.stderr);
    }
    std::fs::write(folder.join("kubeconfig"), "kind: Config\n").unwrap();
    let odd = run(&folder, &["check", "cluster:a b;c", "--kubeconfig", "kubeconfig"]);
    assert!(odd.stderr.contains("kubectl --context 'a b;c' get"), "{}", odd.stderr);
    let alone = run(&folder, &["check", "cluster:", "--as-group", "dev"]);
    assert!(alone.code == 2 && alone.stderr.contains("--as <USER>"), "{}", alone.stderr);
}

/// An exception says why and whose it is, or accepts nothing.
#[test]
fn an_exception_without_words_accepts_nothing() {
    let folder = folder("no-words");
    let bad = POD.replace("image: a", "image: a, securityContext: {privileged: true}");
    std::fs::write(folder.join("pod.yaml"), bad).unwrap();
    let exception = |reason: &str, owner: &str| {
        format!(
            "apiVersion: ironhull.dev/v1\nkind: Exception\nmetadata: {{name: e}}\nspec:\n  \
             type: waiver\n  controls: [privileged-container]\n  subjects: [{{kind: Pod, name: web}}]\n  \
             reason: '{reason}'\n  owner: '{owner}'\n  expires: 2026-12-01\n"
        )
    };
    let checked = |text: &str| {
        std::fs::write(folder.join("exception.yaml"), text).unwrap();
        run(&folder, &["check", ".", "--only", "privileged-container", "--at", "2026-11-26"])
    };
    assert_eq!(checked(&exception("why", "me")).code, 0);
    for (text, lacks) in [(exception("", "me"), "reason"), (exception("why", " "), "owner")] {
        let refused = checked(&text);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stdout.contains("is privileged"), "{}", refused.stdout);
        assert!(refused.stderr.contains(&format!("{lacks} is empty")), "{}", refused.stderr);
    }
    let written = run(&folder, &["except", "1", "--reason", "", "--owner", "me"]);
    assert!(
        written.code == 2 && written.stderr.contains("--reason is empty"),
        "{}",
        written.stderr
    );
}

/// An object that lacks what it is about is a mistake in it, not in our controls.
#[test]
fn objects_with_nothing_in_them_break_no_control() {
    let folder = folder("nothing-in-them");
    let kinds = [
        ("v1", "PersistentVolume", "no /spec"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "no /spec"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "no /roleRef"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "no /roleRef"),
        ("storage.k8s.io/v1", "StorageClass", "no /provisioner"),
        ("apps/v1", "Deployment", ""),
        ("networking.k8s.io/v1", "Ingress", ""),
        ("v1", "Service", ""),
    ];
    for (version, kind, lacks) in kinds {
        for body in ["", "spec: null\n", "spec: {}\n", "spec: rubbish\n"] {
            let text =
                format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n{body}");
            std::fs::write(folder.join("a.yaml"), text).unwrap();
            let said = run(&folder, &["check", "a.yaml"]);
            assert!(!said.stderr.contains("IH0901"), "{kind} {body}: {}", said.stderr);
            if body.is_empty() {
                assert!(said.stderr.contains(lacks), "{kind}: {}", said.stderr);
            }
        }
    }
}

#[test]
fn policy_commands_say_what_is_wrong_with_a_file() {
    let folder = folder("policy-rubbish");
    std::fs::write(folder.join("pod.yaml"), POD).unwrap();
    std::fs::write(folder.join("broken.yaml"), "a: [").unwrap();
    std::fs::write(folder.join("latin.yaml"), b"a: \xe9\n").unwrap();
    let many = (0..30).map(|_| format!("---\n{POD}")).collect::<String>();
    std::fs::write(folder.join("many.yaml"), many).unwrap();
    for (args, part) in [
        (["policy", "test", "/dev/zero"], "/dev/zero is larger than 104857600 bytes [IH0103]"),
        (["policy", "test", "latin.yaml"], "latin.yaml is not UTF-8 at byte 3 [IH0102]"),
        (
            ["policy", "test", "pod.yaml"],
            "pod.yaml:1:1: a Pod is no control, which has an id, and no PolicyTest [IH0301]",
        ),
        (["policy", "test", "many.yaml"], "\nand 10 more"),
    ] {
        let refused = run(&folder, &args);
        assert_eq!(refused.code, 2, "{args:?}");
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    let evaluated = run(&folder, &["policy", "eval", "object", "broken.yaml"]);
    assert_eq!(evaluated.code, 3);
    assert!(evaluated.stderr.starts_with("error: broken.yaml:1:"), "{}", evaluated.stderr);
}

#[test]
fn a_difference_says_what_each_finding_is() {
    let folder = folder("diff-words");
    std::fs::write(folder.join("a.yaml"), POD).unwrap();
    std::fs::write(folder.join("b.yaml"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n")
        .unwrap();
    let run = run(&folder, &["diff", "a.yaml", "b.yaml"]);
    let told: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("- ")).collect();
    assert!(told.len() > 5, "{}", run.stdout);
    for line in told {
        assert!(!line.ends_with("  "), "without words: {line:?}");
    }
}

/// Answers every request with what `answer` makes of its path, behind which the body of a
/// POST stands as if it were a query.
fn serve(answer: fn(&str) -> String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let lines = reader.by_ref().lines().map_while(Result::ok);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let n_bytes = head.iter().find_map(|line| {
                    line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
                });
                let mut path = head[0].split(' ').nth(1).unwrap_or_default().to_owned();
                if let Some(n_bytes) = n_bytes {
                    path.push('?');
                    reader.take(n_bytes).read_to_string(&mut path).unwrap();
                }
                let body = answer(&path);
                let length = body.len();
                let head = "HTTP/1.1 200 OK\r\nConnection: close";
                _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
            });
        }
    });
    address
}

/// An API server of Namespaces, whose lists are `list`.
fn api(path: &str, list: &str) -> String {
    let resource = r#"{"resource":"namespaces","responseKind":{"kind":"Namespace"},"scope":"Cluster","verbs":["list"]}"#;
    match path.split('?').next().unwrap_or_default() {
        "/version" => r#"{"major":"1","minor":"37","gitVersion":"v1.37.0"}"#.to_owned(),
        "/api" => format!(
            r#"{{"kind":"APIGroupDiscoveryList","items":[{{"metadata":{{}},"versions":[{{"version":"v1","resources":[{resource}]}}]}}]}}"#
        ),
        "/apis" => r#"{"kind":"APIGroupDiscoveryList","items":[]}"#.to_owned(),
        "/api/v1/namespaces" => list.to_owned(),
        _ => r#"{"status":{"allowed":true}}"#.to_owned(),
    }
}

fn check(name: &str, answer: fn(&str) -> String) -> Run {
    let folder = folder(name);
    kubeconfig(&folder, &serve(answer));
    run(&folder, &["check", "cluster:", "--kubeconfig", "kubeconfig"])
}

fn kubeconfig(folder: &Path, server: &str) {
    let kubeconfig = format!(
        r#"{{"current-context": "c", "contexts": [{{"name": "c", "context": {{"cluster": "c"}}}}],
            "clusters": [{{"name": "c", "cluster": {{"server": "{server}"}}}}]}}"#
    );
    std::fs::write(folder.join("kubeconfig"), kubeconfig).unwrap();
}

#[test]
fn what_is_no_api_server_is_no_empty_cluster() {
    let denied = check("odd-status", |path| api(path, r#"{"kind":"Status","status":"Failure"}"#));
    let why = "nothing could be read: Namespace objects: the answer to /api/v1/namespaces is not understood: it is a Status, no list";
    assert!(denied.code == 3 && denied.stderr.contains(why), "{}", denied.stderr);
    let old = check("odd-old", |path| match path {
        "/api" => r#"{"kind":"APIVersions","versions":["v1"]}"#.to_owned(),
        path => api(path, ""),
    });
    let why =
        r#"the answer to /api is not understood: it is no APIGroupDiscoveryList but "APIVersions""#;
    assert!(old.code == 3 && old.stderr.contains(why), "{}", old.stderr);
    let empty = check("odd-empty", |path| api(path, r#"{"kind":"NamespaceList","items":[]}"#));
    assert!(empty.stderr.contains("its API server lists no object"), "{}", empty.stderr);
    let endless = check("odd-endless", |path| {
        let next = path.split("continue=").nth(1).and_then(|n| n.parse().ok()).unwrap_or(0) + 1;
        api(
            path,
            &format!(r#"{{"kind":"NamespaceList","metadata":{{"continue":"{next}"}},"items":[]}}"#),
        )
    });
    assert!(endless.stderr.contains("it has more than 2000 pages"), "{}", endless.stderr);
    let circle = check("odd-circle", |path| {
        api(path, r#"{"kind":"NamespaceList","metadata":{"continue":"a"},"items":[]}"#)
    });
    assert!(circle.stderr.contains("its pages lead in a ring"), "{}", circle.stderr);
    let ring = check("odd-ring", |path| {
        let next = if path.contains("continue=a") { "b" } else { "a" };
        let list = r#"{"kind":"NamespaceList","metadata":{"continue":"NEXT"},"items":[]}"#;
        api(path, &list.replace("NEXT", next))
    });
    assert!(ring.stderr.contains("its pages lead in a ring"), "{}", ring.stderr);
}

/// The same, with Services, and Pods that may be listed in single namespaces only.
fn api_of_pods(path: &str, list: &str) -> String {
    let namespaced = |resource: &str, kind: &str| {
        format!(
            r#"{{"resource":"{resource}","responseKind":{{"kind":"{kind}"}},"scope":"Namespaced","verbs":["list"]}}"#
        )
    };
    let more = format!("{},{}", namespaced("pods", "Pod"), namespaced("services", "Service"));
    match path {
        "/api" => api(path, "").replace(r#""resources":["#, &format!(r#""resources":[{more},"#)),
        _ if path.ends_with("/services?limit=500") => {
            r#"{"kind":"ServiceList","items":[{"metadata":{"name":"web","namespace":"shop"}}]}"#
                .to_owned()
        }
        _ if path.ends_with("/pods?limit=500") => r#"{"kind":"PodList","items":[]}"#.to_owned(),
        _ if path.contains(r#""namespace":"","resource":"pods""#) => {
            r#"{"status":{"allowed":false}}"#.to_owned()
        }
        _ => api(path, list),
    }
}

/// Not to know whether we may see a namespace, or which there are, is not to be denied.
#[test]
fn an_access_review_that_fails_is_no_denial() {
    fn list(path: &str) -> String {
        let list = r#"{"kind":"NamespaceList","items":[{"metadata":{"name":"shop"}},{"metadata":{"name":"prod"}}]}"#;
        api_of_pods(path, list)
    }
    let of_one = check("odd-review", |path| match path.contains(r#""namespace":"prod""#) {
        true => "garbage".to_owned(),
        false => list(path),
    });
    let of_all = check("odd-reviews", |path| match path.contains(r#""resource":"namespaces""#) {
        true => "garbage".to_owned(),
        false => list(path),
    });
    let of_list = check("odd-namespaces", |path| api_of_pods(path, "garbage"));
    let review = "authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (run, asked) in
        [(of_one, review), (of_all, review), (of_list, "/api/v1/namespaces is not understood")]
    {
        assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
        let mut pods = run.stderr.lines().filter(|line| line.contains("Pod objects: the answer"));
        assert!(pods.any(|line| line.contains(asked)), "{}", run.stderr);
        assert!(run.stdout.contains(" need all Pod objects"), "{}", run.stdout);
    }
}

/// Jobs that nobody owns are read whole; one by one, thousands of them would take minutes.
#[test]
fn many_jobs_that_nobody_owns_are_listed_once_more() {
    let run = check("odd-jobs", |path| {
        let batch = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"batch"},"versions":[{"version":"v1","resources":[{"resource":"jobs","responseKind":{"kind":"Job"},"scope":"Namespaced","verbs":["list"]}]}]}]}"#;
        let job = |n: usize| {
            format!(
                r#"{{"metadata":{{"name":"j{n}","namespace":"shop"}},"spec":{{"template":{{"spec":{{"containers":[{{"name":"c","image":"a","securityContext":{{"privileged":true}}}}]}}}}}}}}"#
            )
        };
        match path.split('?').next().unwrap_or_default() {
            "/apis" => batch.to_owned(),
            "/apis/batch/v1/jobs" => {
                let jobs: Vec<String> = (0..30).map(job).collect();
                format!(r#"{{"kind":"JobList","items":[{}]}}"#, jobs.join(","))
            }
            _ if path.contains("/jobs/j") => "garbage".to_owned(),
            _ => api(path, r#"{"kind":"NamespaceList","items":[{"metadata":{"name":"shop"}}]}"#),
        }
    });
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("privileged-container"), "{}", run.stdout);
    assert!(run.stdout.contains("30 at or above high"), "{}", run.stdout);
}

#[test]
fn kubeconfigs_that_are_not_there_are_passed_over() {
    let folder = folder("kubeconfigs");
    kubeconfig(&folder, "http://127.0.0.1:1");
    let check = |list: &str, target: &str| {
        let variables = [("KUBECONFIG", list), ("HOME", "/nowhere")];
        run_with(&folder, &folder.join("state"), &variables, &["check", target], "").stderr
    };
    let found = check("missing::kubeconfig", "cluster:c");
    assert!(found.contains("the API server at http://127.0.0.1:1 did not answer"), "{found}");
    let none = check("missing", "cluster:");
    assert!(none.contains("there is no kubeconfig at missing, and no pod: "), "{none}");
    let none = check("", "cluster:c");
    let why = "no context c: there is no kubeconfig at /nowhere/.kube/config";
    assert!(none.contains(why), "{none}");
    let empty = check("/dev/null", "cluster:");
    assert!(empty.contains("there is no kubeconfig at /dev/null, and no pod: "), "{empty}");
}

#[test]
fn a_watch_whose_watches_are_garbled_still_lists() {
    for (name, garbled) in [("odd-watch", "garbage\n"), ("odd-close", "")] {
        let (folder, lines) = (folder(name), std::sync::mpsc::channel());
        let answer = match garbled {
            "" => |path: &str| watched(path, ""),
            _ => |path: &str| watched(path, "garbage\n"),
        };
        kubeconfig(&folder, &serve(answer));
        let mut child = std::process::Command::new(super::cli::binary())
            .args(["check", "cluster:", "--watch", "--kubeconfig", "kubeconfig"])
            .current_dir(&folder)
            .env("XDG_STATE_HOME", folder.join("state"))
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().next().map(|line| lines.0.send(line)));
        let first = lines.1.recv_timeout(std::time::Duration::from_secs(20));
        child.kill().unwrap();
        child.wait().unwrap();
        let first = first.expect("a report").unwrap();
        assert!(first.starts_with("cluster:  1 object"), "{first}");
    }
}

/// What saw nothing judged nothing, also when it stays.
#[test]
fn a_cluster_of_which_nothing_is_seen_is_not_judged() {
    let nothing = |path: &str| match path.contains("watch=") {
        true => String::new(),
        false => {
            api(path, r#"{"kind":"NamespaceList","metadata":{"resourceVersion":"1"},"items":[]}"#)
                .replace(r#"["list"]"#, r#"["list","watch"]"#)
        }
    };
    let once = check("odd-nothing", nothing);
    assert_eq!(once.code, 3, "{}", once.stderr);
    let folder = folder("odd-nothing-watched");
    kubeconfig(&folder, &serve(nothing));
    let path = folder.join("kubeconfig").display().to_string();
    let (code, said) = super::watch::Watch::start(&path).end();
    assert_eq!(code, 3, "{said}");
    for said in [once.stderr, said] {
        let why = "error[IH0110]: cluster of the current context: its API server lists no object";
        assert!(said.contains(why), "{said}");
    }
}

/// However we end, a credential plugin that runs for us ends with us.
#[test]
fn a_credential_plugin_does_not_outlive_us() {
    let folder = folder("plugin-orphan");
    let pid = folder.join("pid");
    let script = format!("echo $$ > {0}.new && mv {0}.new {0} && exec sleep 300", pid.display());
    let config = serde_json::json!({"current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": {"command": "sh", "args": ["-c", script],
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}}}]});
    std::fs::write(folder.join("kubeconfig"), config.to_string()).unwrap();
    let mut child = std::process::Command::new(super::cli::binary())
        .args(["check", "cluster:", "--kubeconfig", "kubeconfig"])
        .current_dir(&folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .spawn()
        .unwrap();
    let within = |is: &dyn Fn() -> bool| {
        until(std::time::Duration::from_secs(20), || is().then_some(())).is_some()
    };
    assert!(within(&|| pid.exists()), "the plugin was not started");
    let plugin = std::fs::read_to_string(&pid).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // What ended may still be a zombie, which has no command line.
    let line = format!("/proc/{}/cmdline", plugin.trim());
    let is_over =
        || std::fs::read(&line).is_ok_and(|line| line.is_empty()) || !Path::new(&line).exists();
    assert!(within(&is_over), "the plugin goes on");
}

/// An API server of one Namespace, whose watches answer `garbled`.
fn watched(path: &str, garbled: &str) -> String {
    let one = r#"{"kind":"NamespaceList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}}]}"#;
    match path.contains("watch=") {
        true => garbled.to_owned(),
        false => api(path, one).replace(r#"["list"]"#, r#"["list","watch"]"#),
    }
}

#[test]
fn names_of_namespaces_steer_no_terminal() {
    let shown = check("odd-names", |path| {
        api(path, r#"{"kind":"NamespaceList","items":[{"metadata":{"name":"a\u001b[31m"}}]}"#)
    });
    assert!(shown.stdout.contains("Pod Security"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
}
