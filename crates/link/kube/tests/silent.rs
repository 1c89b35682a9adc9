//! Watches over connections that die without being closed.

use std::time::{Duration, Instant};

use ironhull_kube::{Cluster, Error, Options};
use ironhull_testkit::cluster::{Cluster as Kubernetes, Effect, Fault, User};

#[test]
fn silence_ends_a_watch() {
    let Some(kubernetes) = Kubernetes::shared() else { return };
    let proxy = kubernetes.proxy();
    let kubeconfig = kubernetes.kubeconfig_through(&proxy, &User::admin());
    let options = Options { kubeconfig: Some(kubeconfig), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::connect(&options).await.unwrap();
        let watcher = cluster.watcher().unwrap();
        let path = "/api/v1/namespaces?watch=1";
        let mut lines = watcher.open(path, "application/json").await.unwrap();
        let first = lines.next(Duration::from_secs(10)).await.unwrap().unwrap();
        assert!(first.starts_with(br#"{"type":"ADDED""#));
        let half_open = Effect::HalfOpen { after_bytes: 0 };
        proxy.strike(&[Fault { path: "", watch: Some(true), effect: half_open, times: 0 }]);
        let started = Instant::now();
        let patience = Duration::from_secs(2);
        // What was under way comes; then nothing does, and nobody says so.
        let error = loop {
            match lines.next(patience).await {
                Ok(line) => assert!(line.is_some(), "the connection was not closed"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("nothing came for 2 s"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
        // A new one is not answered either, and that ends too.
        assert!(watcher.open(path, "application/json").await.is_err());
    });
}
