//! Servers that are away for a while: they are waited for, all requests together as long as
//! one; what does not pass is told at once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ironhull_kube::{Cluster, Error, Options};

/// Answers what `answer` makes of a request's path and of how long this server is there: the
/// status line, and further headers.
fn serve(listener: TcpListener, answer: impl Fn(&str, Duration) -> String + Send + 'static) {
    let began = Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            respond(stream, |path| answer(path, began.elapsed()));
        }
    });
}

fn respond(mut stream: TcpStream, answer: impl Fn(&str) -> String) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let head = answer(first.split(' ').nth(1).unwrap_or_default());
    let rest = "Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    _ = write!(stream, "HTTP/1.1 {head}\r\n{rest}");
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

fn kubeconfig(server: &str, name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("ironhull-away-{name}-{}", std::process::id()));
    let text = format!(
        r#"{{"current-context": "c", "contexts": [{{"name": "c", "context": {{"cluster": "c"}}}}],
            "clusters": [{{"name": "c", "cluster": {{"server": "{server}"}}}}]}}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs with a cluster at an address.
fn with<T>(
    server: &str,
    name: &str,
    told: Option<fn(&str)>,
    run: impl AsyncFnOnce(Cluster) -> T,
) -> T {
    let path = kubeconfig(server, name);
    let options = Options { kubeconfig: Some(path.clone()), told, ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async { run(Cluster::connect(&options).await.unwrap()).await });
    std::fs::remove_file(path).unwrap();
    result
}

/// What a GET gives, and how long it takes.
async fn get(cluster: &Cluster, path: &str) -> (Result<Vec<u8>, Error>, Duration) {
    let began = Instant::now();
    let got = cluster.get(path).await;
    (got, began.elapsed())
}

const S: fn(u64) -> Duration = Duration::from_secs;

/// As a control plane that is made anew: nobody listens, then something before it says that
/// it is not there, then it is.
#[test]
fn a_server_that_restarts_is_waited_for_and_that_is_said() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let (first, address) = listener();
    let port = first.local_addr().unwrap();
    drop(first);
    std::thread::spawn(move || {
        std::thread::sleep(S(5));
        serve(TcpListener::bind(port).unwrap(), |_, age| {
            let status = if age < S(4) { "503 Service Unavailable" } else { "200 OK" };
            status.to_owned()
        });
    });
    let told: fn(&str) = |text| SAID.lock().unwrap().push(text.to_owned());
    let (got, took) =
        with(&address, "restart", Some(told), async |cluster| get(&cluster, "/version").await);
    assert_eq!(got.unwrap(), b"{}");
    assert!((S(9)..S(14)).contains(&took), "{took:?}");
    let said = SAID.lock().unwrap();
    let [said] = said.as_slice() else { panic!("{said:?}") };
    assert!(said.starts_with("waiting for the API server: the API server at http://127"), "{said}");
}

/// And when it is there, the patience is whole again.
#[test]
fn a_server_that_is_gone_holds_up_all_requests_together_as_long_as_one() {
    let (first, address) = listener();
    let port = first.local_addr().unwrap();
    drop(first);
    with(&address, "gone", None, async |cluster| {
        let began = Instant::now();
        let some = (0..10).map(|n| {
            let cluster = cluster.clone();
            tokio::spawn(async move { get(&cluster, &format!("/{n}")).await.0.unwrap_err() })
        });
        for task in some.collect::<Vec<_>>() {
            let said = task.await.unwrap().to_string();
            assert!(said.contains("did not answer /") && said.contains("refused"), "{said}");
        }
        assert!((S(18)..S(24)).contains(&began.elapsed()), "{:?}", began.elapsed());
        let began = Instant::now();
        for n in 0..100 {
            let said = get(&cluster, &format!("/{n}")).await.0.unwrap_err().to_string();
            assert!(said.contains(&format!("did not answer /{n}: ")), "{said}");
        }
        assert!(began.elapsed() < S(3), "{:?}", began.elapsed());

        serve(TcpListener::bind(port).unwrap(), |_, age| {
            let status = if (S(3)..S(6)).contains(&age) { "502 Bad Gateway" } else { "200 OK" };
            status.to_owned()
        });
        let found = Instant::now();
        while get(&cluster, "/version").await.0.is_err() {
            assert!(found.elapsed() < S(5), "it is there");
        }
        let (got, took) = loop {
            let (got, took) = get(&cluster, "/version").await;
            if got.is_err() || took > S(1) {
                break (got, took);
            }
            assert!(found.elapsed() < S(10), "it was away");
        };
        assert!(got.is_ok() && took < S(6), "{got:?} {took:?}");
    });
}

/// A server of which one part is gone, such as its storage, is not waited for by each kind.
#[test]
fn what_fails_while_others_are_answered_does_not_add_up() {
    let (listener, address) = listener();
    serve(listener, |path, _| match path {
        "/rights" => "200 OK".to_owned(),
        _ => "504 Gateway Timeout".to_owned(),
    });
    with(&address, "part", None, async |cluster| {
        let began = Instant::now();
        for n in 0..50 {
            get(&cluster, "/rights").await.0.unwrap();
            let error = get(&cluster, &format!("/{n}")).await.0.unwrap_err();
            assert_eq!(error.code(), Some(504), "{error}");
        }
        assert!((S(18)..S(25)).contains(&began.elapsed()), "{:?}", began.elapsed());
    });
}

#[test]
fn a_server_that_asks_for_rest_is_given_it() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let (listener, address) = listener();
    serve(listener, |path, age| {
        let after = match path {
            "/seconds" if age < S(5) => "5",
            "/date" if age < S(10) => {
                "Sun, 06 Nov 1994 08:49:04 GMT\r\nDate: Sun, 06 Nov 1994 08:49:00 GMT"
            }
            "/long" => "3600",
            _ => return "200 OK".to_owned(),
        };
        format!("429 Too Many Requests\r\nRetry-After: {after}")
    });
    let told: fn(&str) = |text| SAID.lock().unwrap().push(text.to_owned());
    with(&address, "rest", Some(told), async |cluster| {
        let (got, took) = get(&cluster, "/seconds").await;
        assert!(got.is_ok() && (S(5)..S(7)).contains(&took), "{got:?} {took:?}");
        let (got, took) = get(&cluster, "/date").await;
        assert!(got.is_ok() && (S(7)..S(10)).contains(&took), "{got:?} {took:?}");
        let (got, took) = get(&cluster, "/long").await;
        assert!(got.is_err() && took < S(1), "{got:?} {took:?}");
    });
    let said = SAID.lock().unwrap();
    let [said] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(said, "the API server asks to wait 5 s: {} (HTTP 429)");
}

#[test]
fn what_does_not_pass_is_told_at_once() {
    let (listener, address) = listener();
    serve(listener, |path, _| format!("{} Reason", path.trim_start_matches('/')));
    let began = Instant::now();
    with(&address, "never", None, async |cluster| {
        for code in [400, 401, 403, 404, 405, 410, 422, 501] {
            let error = get(&cluster, &format!("/{code}")).await.0.unwrap_err();
            assert_eq!(error.code(), Some(code), "{error}");
        }
    });
    // It speaks no TLS.
    let (plain, https) = self::listener();
    std::thread::spawn(move || {
        for mut stream in plain.incoming().map_while(Result::ok) {
            _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            _ = stream.read(&mut [0; 1000]);
        }
    });
    let https = https.replace("http", "https");
    let error = with(&https, "tls", None, async |cluster| get(&cluster, "/x").await.0.unwrap_err());
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(began.elapsed() < S(2), "{:?}: {error}", began.elapsed());
    // What may be a mistake of the moment, though it is there, is asked a few times.
    with(&address, "few", None, async |cluster| {
        let (got, took) = get(&cluster, "/500").await;
        assert_eq!(got.unwrap_err().code(), Some(500));
        assert!((S(2)..S(5)).contains(&took), "{took:?}");
        let (got, took) = {
            let began = Instant::now();
            (cluster.get_behind("/503", 100).await, began.elapsed())
        };
        assert_eq!(got.unwrap_err().code(), Some(503));
        assert!((S(2)..S(5)).contains(&took), "{took:?}");
    });
}
