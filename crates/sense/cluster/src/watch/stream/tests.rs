//! A stream of a server that tells what it is given.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use ironhull_kube::{Cluster, Error, Options, Watcher};

use super::{Stream, Told};
use crate::list::{Extent, LONGEST_LIST};

/// Watches of a server that answers each with `lines`.
async fn watcher(name: &str, lines: &[String]) -> Watcher {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
            while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}");
        }
    });
    let path = std::env::temp_dir().join(format!("ironhull-stream-{name}-{}", std::process::id()));
    let kubeconfig = format!(
        r#"{{"current-context": "c", "contexts": [{{"name": "c", "context": {{"cluster": "c"}}}}],
            "clusters": [{{"name": "c", "cluster": {{"server": "{server}"}}}}]}}"#
    );
    std::fs::write(&path, kubeconfig).unwrap();
    let options = Options { kubeconfig: Some(path.clone()), ..Options::default() };
    let watcher = Cluster::connect(&options).await.unwrap().watcher().unwrap();
    std::fs::remove_file(path).unwrap();
    watcher
}

fn event(ty: &str, metadata: &str) -> String {
    format!(r#"{{"type":"{ty}","object":{{"kind":"Pod","metadata":{{{metadata}}}}}}}"#)
}

/// What a stream tells, in letters, until its end or an error. `left` is what a list may
/// still have, instead of what it may have at first.
async fn told(watcher: &Watcher, version: Option<&str>, left: usize) -> (String, Option<Error>) {
    let opened = Stream::open(watcher, "/api/v1/pods", Extent::Whole, version).await;
    let mut stream = opened.unwrap();
    assert_eq!(std::mem::replace(&mut stream.left, left), LONGEST_LIST);
    let mut letters = String::new();
    loop {
        match stream.next().await {
            Ok(Some(Told::Put { .. })) => letters.push('p'),
            Ok(Some(Told::Removed { .. })) => letters.push('r'),
            Ok(Some(Told::Until { .. })) => letters.push('u'),
            Ok(None) => return (letters, None),
            Err(error) => return (letters, Some(error)),
        }
    }
}

/// What is there when a watch begins is as much as of any list; what it tells then may go
/// on for ever.
#[test]
fn the_list_of_a_watch_has_an_end() {
    let lines = [
        event("ADDED", r#""name":"a""#),
        event("ADDED", r#""name":"b""#),
        event("BOOKMARK", r#""annotations":{"k8s.io/initial-events-end":"true"}"#),
        event("MODIFIED", r#""name":"a""#),
        event("DELETED", r#""name":"b""#),
    ];
    let n_list: usize = lines[..3].iter().map(String::len).sum();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let watcher = watcher("bounds", &lines).await;
        let (letters, error) = told(&watcher, None, n_list).await;
        assert_eq!((letters.as_str(), error.map(|it| it.to_string())), ("ppupr", None));
        let (letters, error) = told(&watcher, None, n_list - 1).await;
        let said = "the answer to /api/v1/pods is not understood: it is longer than 4 GiB";
        assert_eq!((letters.as_str(), error.unwrap().to_string().as_str()), ("pp", said));
        // One that goes on from a version lists nothing.
        let (letters, error) = told(&watcher, Some("7"), 0).await;
        assert_eq!((letters.as_str(), error.map(|it| it.to_string())), ("ppupr", None));
    });
}
