//! Servers that are no API servers, and kubeconfigs that are none: both end in errors, in
//! bounded memory, which show no credentials.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ironhull_kube::{Cluster, Options};

/// How much a client took of an answer without an end.
type Taken = Arc<AtomicU64>;

/// Answers everything with `status` and a body that never ends.
fn endless(status: &'static str) -> (String, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken = Taken::default();
    let counter = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || pour(stream, status, &counter));
        }
    });
    (address, taken)
}

fn pour(mut stream: TcpStream, status: &str, taken: &AtomicU64) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n");
    let chunk = vec![b'x'; 1 << 16];
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        sent = stream.write_all(&chunk);
        taken.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
}

fn kubeconfig(server: &str, name: &str) -> PathBuf {
    written(server, "{}", name)
}

fn written(server: &str, user: &str, name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ironhull-{name}-{}", std::process::id()));
    let text = format!(
        r#"{{"current-context": "c", "contexts": [{{"name": "c", "context": {{"cluster": "c", "user": "u"}}}}],
            "users": [{{"name": "u", "user": {user}}}],
            "clusters": [{{"name": "c", "cluster": {{"server": "{server}"}}}}]}}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The error of a GET, and how much was taken of the answer.
fn asked(status: &'static str, name: &str) -> (String, u64) {
    let (server, taken) = endless(status);
    (get(&server, name), taken.load(Ordering::Relaxed))
}

/// The error of a GET.
fn get(server: &str, name: &str) -> String {
    let path = kubeconfig(server, name);
    let options = Options { kubeconfig: Some(path.clone()), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let cluster = Cluster::connect(&options).await.unwrap();
        cluster.get("/version").await.unwrap_err()
    });
    std::fs::remove_file(path).unwrap();
    error.to_string()
}

#[test]
fn an_answer_without_an_end_is_given_up() {
    let (error, taken) = asked("200 OK", "answer");
    assert!(error.contains("/version is not understood: it is longer than"), "{error}");
    assert!(taken < 300 << 20, "{taken}");
}

#[test]
fn a_refusal_without_an_end_is_given_up() {
    let (error, taken) = asked("403 Forbidden", "refusal");
    assert!(error.contains("it is longer than"), "{error}");
    assert!(taken < 32 << 20, "{taken}");
}

/// An event is a line, and holds one object.
#[test]
fn a_line_of_a_watch_without_an_end_is_given_up() {
    let (server, taken) = endless("200 OK");
    let path = kubeconfig(&server, "line");
    let options = Options { kubeconfig: Some(path.clone()), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let watcher = Cluster::connect(&options).await.unwrap().watcher().unwrap();
        let mut lines = watcher.open("/watch", "application/json").await.unwrap();
        lines.next(Duration::from_secs(60)).await.unwrap_err()
    });
    std::fs::remove_file(path).unwrap();
    let said = "the answer to /watch is not understood: a line is longer than 64 MiB";
    assert_eq!(error.to_string(), said);
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 80 << 20, "{taken}");
}

/// What it says to connect; the address of the server where that works.
fn connected(options: &Options) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let cluster = runtime.block_on(Cluster::connect(options));
    cluster.map(|cluster| cluster.server().to_owned()).map_err(|error| error.to_string())
}

#[test]
fn what_a_kubeconfig_holds_is_not_shown() {
    let with = |user: &str, name| {
        let path = written("https://user:hunter2@127.0.0.1:1/x", user, name);
        let options = Options { kubeconfig: Some(path.clone()), ..Options::default() };
        let said = connected(&options);
        std::fs::remove_file(path).unwrap();
        said
    };
    assert_eq!(with("{}", "userinfo").unwrap(), "https://127.0.0.1:1/x");
    let plugin = |script: &str| {
        format!(
            r#"{{"exec": {{"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
                "args": ["-c", "{script}", "hunter2"], "interactiveMode": "Never"}}}}"#
        )
    };
    for (user, name, part) in [
        (r#"{"token": "hunter2\nx"}"#.to_owned(), "token", "token has characters that no header"),
        (plugin("echo hunter2"), "prints", "printed no ExecCredential"),
        (plugin("echo hunter2; echo why >&2; exit 1"), "fails", "failed (exit status: 1): why"),
        ("[\n\"hunter2\"".to_owned(), "syntax", "failed to parse kubeconfig"),
    ] {
        let said = with(&user, name).unwrap_err();
        assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_kubeconfig_has_an_end_and_names_its_contexts() {
    let zero = Options { kubeconfig: Some("/dev/zero".into()), ..Options::default() };
    assert!(connected(&zero).unwrap_err().ends_with("/dev/zero is a device, no file"));
    let path = kubeconfig("https://127.0.0.1:1", "contexts");
    let options = Options {
        kubeconfig: Some(path.clone()),
        context: Some("d".to_owned()),
        ..Options::default()
    };
    assert_eq!(connected(&options).unwrap_err(), "no cluster to ask: no context d: there are c");
    std::fs::remove_file(path).unwrap();
}

/// Whoever asks for the size of a pipe hears that it is empty.
#[test]
fn a_kubeconfig_without_an_end_is_given_up() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let poured = std::thread::spawn(move || {
        let (chunk, mut n) = (vec![b'#'; 1 << 16], 0);
        while writer.write_all(&chunk).is_ok() && n < 1 << 30 {
            n += chunk.len();
        }
        n
    });
    let path = PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd()));
    let said = connected(&Options { kubeconfig: Some(path), ..Options::default() }).unwrap_err();
    drop(reader);
    assert!(said.ends_with(" is larger than 67108864 bytes"), "{said}");
    let poured = poured.join().unwrap();
    assert!(poured < 66 << 20, "{poured}");
}

#[test]
fn files_that_a_kubeconfig_names_have_an_end() {
    let file = std::env::temp_dir().join(format!("ironhull-long-{}", std::process::id()));
    std::fs::write(&file, vec![b'x'; 5 << 20]).unwrap();
    let (long, zero) = (file.to_str().unwrap(), "/dev/zero");
    for (name, path, why) in [
        ("tokenFile", zero, "/dev/zero is a device, no file"),
        ("tokenFile", long, "is larger than 1048576 bytes"),
        ("client-certificate", long, "is larger than 4194304 bytes"),
        ("client-key", zero, "/dev/zero is a device, no file"),
    ] {
        let user = format!(r#"{{"{name}": "{path}"}}"#);
        let config = written("https://127.0.0.1:1", &user, "files");
        let options = Options { kubeconfig: Some(config.clone()), ..Options::default() };
        let said = connected(&options).unwrap_err();
        assert!(said.ends_with(why), "{name}: {said}");
        let text = std::fs::read_to_string(&config).unwrap();
        let server = r#""server""#;
        let text = text.replace(&user, "{}");
        let text = text.replace(server, &format!(r#""certificate-authority": "{path}", {server}"#));
        std::fs::write(&config, text).unwrap();
        let said = connected(&options).unwrap_err();
        assert!(said.contains("is a device") || said.contains("larger than 4194304"), "{said}");
        std::fs::remove_file(config).unwrap();
    }
    std::fs::remove_file(file).unwrap();
}

/// A token that others write anew is read again when it is refused, from where the
/// kubeconfig is.
#[test]
fn a_token_in_a_file_is_followed() {
    let path = written(&picky(), r#"{"tokenFile": "NAME"}"#, "token-file");
    let token = path.with_extension("token");
    let text = std::fs::read_to_string(&path).unwrap();
    let name = token.file_name().unwrap().to_str().unwrap();
    std::fs::write(&path, text.replace("NAME", name)).unwrap();
    std::fs::write(&token, "t1\n").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = refused_first(&path).await;
        std::fs::write(&token, "t2\n").unwrap();
        assert_eq!(answered(&cluster).await, b"{}");
    });
    std::fs::remove_file(path).unwrap();
    std::fs::remove_file(token).unwrap();
}

/// As client-go has it: a file counts before a token beside it, which counts while the
/// file cannot be read; what a pipe holds is read once.
#[test]
fn a_file_counts_before_a_token() {
    let file = std::env::temp_dir().join(format!("ironhull-token-{}", std::process::id()));
    std::fs::write(&file, "t2\n").unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"t2").unwrap();
    drop(writer);
    let (file_name, pipe_name) = (file.display(), format!("/proc/self/fd/{}", reader.as_raw_fd()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for (number, user) in [
        format!(r#"{{"token": "t1", "tokenFile": "{file_name}"}}"#),
        format!(r#"{{"token": "", "tokenFile": "{file_name}"}}"#),
        r#"{"token": "t2", "tokenFile": "/no/such/file"}"#.to_owned(),
        format!(r#"{{"token": "t1", "tokenFile": "{pipe_name}"}}"#),
    ]
    .iter()
    .enumerate()
    {
        let path = written(&picky(), user, &format!("token-before-{number}"));
        let options = Options { kubeconfig: Some(path.clone()), ..Options::default() };
        runtime.block_on(async {
            let cluster = Cluster::connect(&options).await.unwrap();
            for _ in 0..2 {
                assert_eq!(cluster.get("/version").await.unwrap(), b"{}", "{user}");
            }
        });
        std::fs::remove_file(path).unwrap();
    }
    std::fs::remove_file(file).unwrap();
}

/// A cluster by a kubeconfig whose first credential is refused.
async fn refused_first(kubeconfig: &Path) -> Cluster {
    let options = Options { kubeconfig: Some(kubeconfig.to_owned()), ..Options::default() };
    let cluster = Cluster::connect(&options).await.unwrap();
    let error = cluster.get("/version").await.unwrap_err();
    assert_eq!(error.code(), Some(401), "{error}");
    cluster
}

/// The first answer to a GET that is no refusal.
async fn answered(cluster: &Cluster) -> Vec<u8> {
    let began = std::time::Instant::now();
    loop {
        match cluster.get("/version").await {
            Ok(body) => return body,
            Err(error) => {
                assert_eq!(error.code(), Some(401), "{error}");
                assert!(began.elapsed() < Duration::from_secs(20), "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers 200 to the second token that a plugin gave, 401 to all others.
fn picky() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> =
                lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let is_second =
                head.iter().any(|line| line.to_lowercase() == "authorization: bearer t2");
            let status = if is_second { "200 OK" } else { "401 Unauthorized" };
            let rest = "Content-Length: 2\r\nConnection: close\r\n\r\n{}";
            _ = write!(stream, "HTTP/1.1 {status}\r\n{rest}");
        }
    });
    address
}

/// A plugin is asked again for a token that was refused, or that is over; not at once.
#[test]
fn a_credential_that_ends_is_renewed() {
    for (name, end) in
        [("refused", ""), ("over", r#", "expirationTimestamp": "2020-01-01T00:00:00Z""#)]
    {
        let count = std::env::temp_dir().join(format!("ironhull-{name}-n-{}", std::process::id()));
        let shown = count.display();
        let said = format!(
            r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "tN"{end}}}}}"#
        );
        let script =
            format!("echo >> {shown}; n=$(wc -l < {shown}); echo '{said}' | sed \"s/tN/t$((n))/\"");
        let user = serde_json::json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": "sh", "args": ["-c", script],
        }});
        let path = written(&picky(), &user.to_string(), name);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let cluster = refused_first(&path).await;
            assert_eq!(answered(&cluster).await, b"{}");
            let watcher = cluster.watcher().unwrap();
            watcher.open("/version", "application/json").await.unwrap();
        });
        assert_eq!(std::fs::read_to_string(&count).unwrap().lines().count(), 2, "{name}");
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(count).unwrap();
    }
}
