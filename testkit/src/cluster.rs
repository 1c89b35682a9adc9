//! A real Kubernetes for tests: etcd and the API server, and on request
//! controllers, a scheduler and hollow nodes, which are real kubelets on a fake
//! runtime. `make testbed` builds it.
//!
//! ```ignore
//! let Some(cluster) = Cluster::shared() else { return };
//! let namespace = cluster.namespace("quota");
//! let pods = cluster.get(&User::admin(), &format!("/api/v1/namespaces/{namespace}/pods"));
//! ```
//!
//! Every cluster has its own ports, directory, certificates and authority, so
//! tests and test processes at the same time do not meet. It ends with its value,
//! and with this process in whatever way that ends.

mod components;
mod estate;
mod kubeadm;
mod logs;
mod objects;
mod proxy;
mod request;
mod run;
mod supervisor;
mod user;
mod webhook;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use estate::Estate;
pub use kubeadm::control_plane_manifests;
pub use proxy::{Connections, Effect, Fault, Proxy, Seen};
pub use request::{Lines, Response};
pub use user::{Credentials, User};
pub use webhook::Webhook;

use run::Run;
use supervisor::Supervisor;

use crate::wait;

/// What a cluster consists of besides etcd and the API server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Makes default ServiceAccounts, without which no pod is admitted; status of
    /// workloads and budgets; garbage collection; signing of certificates.
    pub controller_manager: bool,
    /// Gives pods a node.
    pub scheduler: bool,
    /// Hollow nodes, named `node-0` onwards.
    pub nodes: usize,
    /// What the kubelets' configuration says instead of the defaults.
    pub kubelet_configuration: Option<Value>,
    /// The minor that the API server behaves as, such as `1.35`.
    pub emulated_version: Option<&'static str>,
    /// An audit policy; the events are [`Cluster::audit_events`].
    pub audit_policy: Option<Value>,
    /// Files in the cluster's directory, for flags to name: (name, content).
    pub files: Vec<(&'static str, String)>,
    /// Flags of the API server; `{dir}` is the cluster's directory.
    pub api_server_flags: Vec<String>,
    /// Everything runs in a network namespace of its own, in which all addresses of
    /// 10.88.0.0/24 are local: endpoints of Services, which loopback may not be, and
    /// which the API server then calls itself ([`Cluster::inside`]).
    pub own_network: bool,
    /// Flags of the controller manager.
    pub controller_manager_flags: Vec<String>,
}

/// A running Kubernetes.
pub struct Cluster {
    supervisor: Arc<Supervisor>,
    kubebed: PathBuf,
    port: u16,
    /// The unix socket through which the tests ask.
    socket: Mutex<PathBuf>,
    /// How each component was started: its rank, program and flags.
    components: Mutex<BTreeMap<String, (u8, Vec<String>)>>,
    /// Plural names and scopes of kinds, by `apiVersion/kind`.
    resources: Mutex<BTreeMap<String, (String, bool)>>,
    /// How long it took until the API server was ready.
    ready_after: Duration,
}

static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();

impl Cluster {
    /// The cluster that all tests of a run share that need no other, in whichever
    /// process they are: an API server and a controller manager. What a test makes
    /// there is its own: in a namespace of [`Cluster::namespace`], or under a name of
    /// its own. No test can start or end a component of it.
    /// None, said on standard error, when it was not built.
    pub fn shared() -> Option<&'static Self> {
        let options = Options { controller_manager: true, ..Options::default() };
        let start = || match Run::current() {
            Some(run) => run.cluster(&options),
            None => Self::start(&options).inspect(|cluster| cluster.share(Path::new(""))),
        };
        SHARED.get_or_init(start).as_ref()
    }

    /// Starts a cluster and waits until it is ready; none, said on standard error,
    /// when it was not built.
    ///
    /// # Panics
    /// When a component does not start, with the ends of the logs.
    pub fn start(options: &Options) -> Option<Self> {
        Self::start_for(options, None)
    }

    fn start_for(options: &Options, run: Option<&Run>) -> Option<Self> {
        let kubebed = program("kubebed")?;
        let supervisor = program("supervisor")?;
        let started = Instant::now();
        let dir = new_directory();
        for (name, content) in &options.files {
            std::fs::write(dir.join(name), content).expect("write a file of the cluster");
        }
        if let Some(policy) = &options.audit_policy {
            std::fs::write(dir.join("audit-policy"), policy.to_string()).expect("audit policy");
        }
        let supervisor = Arc::new(Supervisor::start(&supervisor, dir, options.own_network, run));
        logs::show_on_failure(&supervisor);
        let mut cluster = Self {
            supervisor,
            kubebed,
            port: 0,
            socket: Mutex::default(),
            components: Mutex::default(),
            resources: Mutex::default(),
            ready_after: Duration::ZERO,
        };
        let etcd = cluster.start_etcd();
        cluster.port = cluster.start_api_server(&etcd, options);
        cluster.ready_after = started.elapsed();
        if options.scheduler {
            cluster.start_scheduler();
        }
        if options.controller_manager {
            cluster.start_controller_manager(&options.controller_manager_flags);
            cluster.wait_for_service_account("default");
        }
        let cluster_ref = &cluster;
        std::thread::scope(|scope| {
            for index in 0..options.nodes {
                scope.spawn(move || {
                    let config = options.kubelet_configuration.as_ref();
                    cluster_ref.start_node(&format!("node-{index}"), config);
                });
            }
        });
        Some(cluster)
    }

    /// The API server's URL.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate that signs those of servers and clients, in PEM.
    pub fn ca(&self) -> String {
        std::fs::read_to_string(self.dir().join("pki/ca.crt")).expect("ca.crt")
    }

    /// The cluster's directory; it is gone after the cluster.
    pub fn dir(&self) -> &Path {
        &self.supervisor.dir
    }

    /// How long it took until the API server was ready.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The processes of the supervisor and its components, by name.
    pub fn pids(&self) -> BTreeMap<String, u32> {
        let answer = self.supervisor.ask(json!({"op": "pids"}));
        let components = answer["pids"].as_object().expect("pids");
        components
            .iter()
            .map(|(name, pid)| (name.clone(), pid.as_u64().expect("a pid") as u32))
            .chain([("supervisor".to_owned(), self.supervisor.pid())])
            .collect()
    }

    /// Asks a component to end, and kills it when it has not after ten seconds.
    pub fn stop(&self, component: &str) {
        self.supervisor.ask(json!({"op": "stop", "name": component}));
    }

    /// Sends `STOP`, `CONT` or `KILL` to a component.
    pub fn signal(&self, component: &str, signal: &str) {
        self.supervisor.ask(json!({"op": "signal", "name": component, "signal": signal}));
    }

    /// A program in the cluster's network namespace ([`Options::own_network`]).
    pub fn inside(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.supervisor.pid())).arg("--").arg(program);
        command
    }

    /// A proxy of its own in front of the API server.
    pub fn proxy(&self) -> Proxy<'_> {
        Proxy::open(&self.supervisor)
    }

    /// Runs the real kubectl, with `input` on its standard input.
    pub fn kubectl(&self, kubeconfig: &Path, args: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut child = Command::new(&self.kubebed)
            .args(["kubectl", "--request-timeout=60s", "--kubeconfig"])
            .arg(kubeconfig)
            .args(args)
            .env("HOME", self.dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start kubectl");
        // It may end without reading it.
        _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("kubectl ends")
    }

    /// Asks until there is an answer.
    ///
    /// # Panics
    /// When there is none in time.
    pub fn wait_for<T>(&self, what: &str, patience: Duration, ask: impl FnMut() -> Option<T>) -> T {
        wait::until(patience, ask).unwrap_or_else(|| {
            panic!("{what}: not within {patience:?}\n{}", self.log_tails());
        })
    }
}

/// `target/testbed` of this checkout.
fn testbed() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the workspace");
    root.join("target/testbed")
}

fn program(name: &str) -> Option<PathBuf> {
    let path = testbed().join(name);
    if path.exists() {
        return Some(path);
    }
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("{test}: not proven, target/testbed/{name} is not built: make testbed");
    None
}

/// A directory that nobody had before.
fn new_directory() -> PathBuf {
    static N_MADE: AtomicUsize = AtomicUsize::new(0);
    let clusters = testbed().join("clusters");
    std::fs::create_dir_all(&clusters).expect("target/testbed/clusters");
    logs::remove_old(&clusters);
    loop {
        let number = N_MADE.fetch_add(1, Ordering::Relaxed);
        let dir = clusters.join(format!("{}-{number}", std::process::id()));
        // Left by an earlier process of the same number.
        if std::fs::create_dir(&dir).is_ok() {
            return dir;
        }
        assert!(number < 10_000, "{}: no directory can be made", clusters.display());
    }
}
