//! Servers that are no API servers: what they answer ends in an error, in bounded memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    let path = std::env::temp_dir().join(format!("ironhull-{name}-{}", std::process::id()));
    let text = format!(
        r#"{{"current-context": "c", "contexts": [{{"name": "c", "context": {{"cluster": "c"}}}}],
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

/// Answers everything with `head`, and counts how often.
fn busy(head: &'static str) -> (String, Taken) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken = Taken::default();
    let counter = Arc::clone(&taken);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            counter.fetch_add(1, Ordering::Relaxed);
            _ = write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    (address, taken)
}

#[test]
fn a_server_that_cannot_answer_now_is_asked_four_times_and_quoted() {
    let (server, taken) = busy("503 Service Unavailable");
    assert_eq!(get(&server, "busy"), "Service Unavailable (HTTP 503)");
    assert_eq!(taken.load(Ordering::Relaxed), 4);
}
