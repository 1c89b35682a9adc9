//! How each component is started: its rank in stopping, its flags, when it is ready.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Cluster, Options, User};

/// Components of a higher rank are stopped before those of a lower one.
const ETCD: u8 = 0;
const API_SERVER: u8 = 1;
const CONTROLLERS: u8 = 2;
const NODE: u8 = 3;

/// How long a component may take before the test fails. Far more than the ten
/// seconds that it should take, because test machines are loaded.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often a component is started on another port when its own was taken.
const ATTEMPTS: usize = 5;

impl Cluster {
    pub(super) fn start_etcd(&self) -> String {
        let address = self.dir().join("etcd/address");
        let data = self.dir().join("etcd").display().to_string();
        self.start_component("etcd", ETCD, vec!["etcd".to_owned(), "0".to_owned(), data]);
        let url = self
            .wait_ready("etcd", || std::fs::read_to_string(&address).ok())
            .expect("etcd takes any port");
        // Started again, it is where the API server looks for it.
        let (_, port) = url.rsplit_once(':').expect("a URL with a port");
        let mut components = self.components.lock().expect("components");
        port.clone_into(&mut components.get_mut("etcd").expect("started").1[2]);
        url
    }

    /// Starts the API server, and gives its port.
    pub(super) fn start_api_server(&self, etcd: &str, options: &Options) -> u16 {
        let port = self.start_on_a_port(
            "kube-apiserver",
            API_SERVER,
            |port| {
                self.connect(port);
                api_server_flags(self.dir(), etcd, port, options)
            },
            || {
                let ready = self.try_request(&User::admin(), "GET", "/readyz", None).ok()?;
                ready.is_success().then_some(())
            },
        );
        self.wait_for("the default namespace and its kubernetes service", PATIENCE, || {
            let path = "/api/v1/namespaces/default/services/kubernetes";
            self.get(&User::admin(), path).is_success().then_some(())
        });
        port
    }

    fn connect(&self, port: u16) {
        let upstream = format!("127.0.0.1:{port}");
        let answer = self.supervisor.ask(json!({"op": "connect", "upstream": upstream}));
        *self.socket.lock().expect("socket") = answer["socket"].as_str().expect("a path").into();
    }

    pub(super) fn start_controller_manager(&self, extra: &[String]) {
        let pki = self.dir().join("pki");
        let file = |name: &str| pki.join(name).display().to_string();
        let user = User::named("system:kube-controller-manager", &[]);
        let kubeconfig = self.kubeconfig(&user).display().to_string();
        let mut flags = vec![
            "kube-controller-manager".to_owned(),
            format!("--kubeconfig={kubeconfig}"),
            format!("--cluster-signing-cert-file={}", file("ca.crt")),
            format!("--cluster-signing-key-file={}", file("ca.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            format!("--service-account-private-key-file={}", file("sa.key")),
            "--use-service-account-credentials=true".to_owned(),
            "--leader-elect=false".to_owned(),
            // It makes a client for each of its controllers, which the default of 20
            // requests a second makes last for five seconds.
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
            // Nobody asks it anything.
            "--secure-port=0".to_owned(),
        ];
        flags.extend_from_slice(extra);
        self.start_component("kube-controller-manager", CONTROLLERS, flags);
    }

    pub(super) fn start_scheduler(&self) {
        let user = User::named("system:kube-scheduler", &[]);
        let kubeconfig = self.kubeconfig(&user).display().to_string();
        let flags = vec![
            "kube-scheduler".to_owned(),
            format!("--kubeconfig={kubeconfig}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.start_component("kube-scheduler", CONTROLLERS, flags);
    }

    /// Starts a kubelet with a fake runtime and waits until its node is ready.
    pub(super) fn start_node(&self, node: &str, config: Option<&Value>) {
        let user = User::named(&format!("system:node:{node}"), &["system:nodes"]);
        let kubeconfig = self.kubeconfig(&user).display().to_string();
        let path = format!("/api/v1/nodes/{node}");
        let client_ca = self.dir().join("pki/ca.crt").display().to_string();
        let config = config.map(|config| {
            let path = self.dir().join(format!("{node}.json"));
            std::fs::write(&path, config.to_string()).expect("write a kubelet's configuration");
            path.display().to_string()
        });
        self.start_on_a_port(
            node,
            NODE,
            |port| {
                let mut flags = vec![
                    "hollow-node".to_owned(),
                    format!("--name={node}"),
                    format!("--port={port}"),
                    format!("--client-ca-file={client_ca}"),
                    format!("--kubeconfig={kubeconfig}"),
                ];
                flags.extend(config.iter().map(|config| format!("--config={config}")));
                flags
            },
            || is_ready(&self.get(&User::admin(), &path).body).then_some(()),
        );
    }

    /// What a controller manager makes for every namespace.
    pub(super) fn wait_for_service_account(&self, namespace: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        self.wait_for("the default ServiceAccount", PATIENCE, || {
            self.get(&User::admin(), &path).is_success().then_some(())
        });
    }

    fn start_component(&self, name: &str, rank: u8, flags: Vec<String>) {
        let mut args = vec![self.kubebed.display().to_string()];
        args.extend(flags);
        self.supervisor.ask(json!({"op": "start", "name": name, "rank": rank, "args": &args}));
        self.components.lock().expect("components").insert(name.to_owned(), (rank, args));
    }

    /// A port that is free now may be taken by the time that its component
    /// listens, which ends it: then another port is tried.
    fn start_on_a_port(
        &self,
        name: &str,
        rank: u8,
        flags: impl Fn(u16) -> Vec<String>,
        ready: impl Fn() -> Option<()>,
    ) -> u16 {
        for _ in 0..ATTEMPTS {
            let port = free_port();
            self.start_component(name, rank, flags(port));
            if self.wait_ready(name, &ready).is_some() {
                return port;
            }
        }
        panic!("{name}: {ATTEMPTS} ports were taken")
    }

    /// Waits until a component is ready; none when its port was taken.
    ///
    /// # Panics
    /// When it ended for another reason, or is not ready in time.
    fn wait_ready<T>(&self, name: &str, ready: impl Fn() -> Option<T>) -> Option<T> {
        self.wait_for(name, PATIENCE, || {
            if let Some(ready) = ready() {
                return Some(Some(ready));
            }
            let exited = &self.supervisor.ask(json!({"op": "exited"}))["exited"][name];
            let status = exited.as_str()?;
            let taken = self.log(name).contains("address already in use");
            assert!(taken, "{name} ended: {status}\n{}", self.log_tails());
            Some(None)
        })
    }

    /// Starts a component again with the flags that it had, after
    /// [`Cluster::stop`] or [`Cluster::kill`], and waits for an API server.
    pub fn start_again(&self, name: &str) {
        let (rank, args) = self.components.lock().expect("components")[name].clone();
        self.supervisor.ask(json!({"op": "start", "name": name, "rank": rank, "args": args}));
        if name == "kube-apiserver" {
            self.wait_for("the API server", PATIENCE, || {
                let ready = self.try_request(&User::admin(), "GET", "/readyz", None).ok()?;
                ready.is_success().then_some(())
            });
        }
    }
}

fn api_server_flags(dir: &Path, etcd: &str, port: u16, options: &Options) -> Vec<String> {
    let pki = dir.join("pki");
    let file = |name: &str| pki.join(name).display().to_string();
    let mut flags = vec![
        "kube-apiserver".to_owned(),
        format!("--etcd-servers={etcd}"),
        format!("--secure-port={port}"),
        format!("--bind-address={}", if options.own_network { "0.0.0.0" } else { "127.0.0.1" }),
        format!(
            "--advertise-address={}",
            if options.own_network { "10.88.0.1" } else { "127.0.0.1" }
        ),
        format!("--tls-cert-file={}", file("apiserver.crt")),
        format!("--tls-private-key-file={}", file("apiserver.key")),
        format!("--client-ca-file={}", file("ca.crt")),
        format!("--kubelet-client-certificate={}", file("kubelet-client.crt")),
        format!("--kubelet-client-key={}", file("kubelet-client.key")),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--requestheader-client-ca-file={}", file("front-proxy-ca.crt")),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", file("sa.pub")),
        format!("--service-account-signing-key-file={}", file("sa.key")),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        // As kubeadm and the managed services have it.
        "--allow-privileged=true".to_owned(),
        // Nobody outside looks for it under an address.
        "--endpoint-reconciler-type=none".to_owned(),
    ];
    if let Some(version) = options.emulated_version {
        flags.push(format!("--emulated-version=kube={version}"));
    }
    if options.own_network {
        // Nobody makes cluster addresses lead anywhere, so it calls endpoints.
        flags.push("--enable-aggregator-routing=true".to_owned());
    }
    if options.audit_policy.is_some() {
        flags.push(format!("--audit-policy-file={}", dir.join("audit-policy").display()));
        flags.push(format!("--audit-log-path={}", dir.join("logs/audit").display()));
        // Written before the request is answered, so that a test can read it then.
        flags.push("--audit-log-mode=blocking".to_owned());
    }
    let dir = dir.display().to_string();
    flags.extend(options.api_server_flags.iter().map(|flag| flag.replace("{dir}", &dir)));
    flags
}

fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// A port of loopback that was free a moment ago. It is below those that the
/// kernel gives to outgoing connections, which a busy machine takes by hundreds.
fn free_port() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    loop {
        let port = 10_000 + (RandomState::new().hash_one(0) % 20_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
