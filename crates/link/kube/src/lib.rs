//! The wire to a Kubernetes API server: where it is and who asks (kubeconfig or the
//! pod's own ServiceAccount), requests, and errors that say what to do. What is
//! asked is the callers' business.
//!
//! Connections, TLS and proxies are kube-client's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use kube_client::client::Body;
use kube_client::config::AuthInfo;
use kube_client::{Client, Config};

mod ask;
mod config;
mod files;
mod passes;
mod patience;
mod plugin;
mod said;
mod sender;
mod watch;

use ask::Ask;
use patience::Patience;
use said::{chain, refusal};
use sender::{Credentials, Sender, Source};
pub use watch::{Lines, Watcher};

/// What requests are known by in the API server's logs.
const AGENT: &str = concat!("ironhull/", env!("CARGO_PKG_VERSION"));
const IMPERSONATE_USER: &str = "Impersonate-User";

/// How long an answer may take until its next byte.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest body that is read: a page of the largest objects is shorter.
const LONGEST_ANSWER: usize = 256 << 20;
/// How much is read of an answer that is no success; what is longer is no API server's.
const LONGEST_REFUSAL: usize = 1 << 20;

/// Which cluster, and as whom.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The context of the kubeconfig; its current one by default. Without a
    /// kubeconfig, inside a pod, the pod's ServiceAccount.
    pub context: Option<String>,
    /// The kubeconfig instead of `$KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A user to impersonate (`kubectl --as`).
    pub impersonate: Option<String>,
    /// Groups to impersonate (`kubectl --as-group`).
    pub impersonate_groups: Vec<String>,
    /// Hears what a request waits for, when it waits for more than a few seconds.
    pub told: Option<fn(&str)>,
}

/// The path of a kind's objects: of all, or of one namespace.
pub fn collection(group: &str, version: &str, resource: &str, namespace: Option<&str>) -> String {
    let root = match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{resource}"),
        None => format!("{root}/{resource}"),
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub code: u16,
    /// What `Warning` headers say.
    pub warnings: Vec<String>,
    /// How long to wait before asking again, where the server says so.
    pub retry_after: Option<Duration>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why the API server gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no usable configuration.
    #[error("no cluster to ask: {0}")]
    Config(String),
    /// The request did not come through.
    #[error("the API server at {server} did not answer {path}: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What was asked.
        path: String,
        /// Why.
        reason: String,
    },
    /// It answered with a `Status` that is no success.
    #[error("{message} (HTTP {code})")]
    Status {
        /// The HTTP status.
        code: u16,
        /// The Status' reason, such as `Forbidden` or `Expired`.
        reason: String,
        /// In the API server's words.
        message: String,
    },
    /// It answered with something else than was asked for.
    #[error("the answer to {path} is not understood: {reason}")]
    Answer {
        /// What was asked.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// The HTTP status, if there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Error::Status { code, .. } => Some(*code),
            _ => None,
        }
    }
}

/// A cluster that can be asked.
#[derive(Clone)]
pub struct Cluster {
    sender: Arc<Sender>,
    server: String,
    context: String,
    namespace: String,
    patience: Arc<Patience>,
    told: Option<fn(&str)>,
}

impl Cluster {
    /// Reads the configuration, and runs its credential plugin. The server is not asked yet.
    /// Must run inside a tokio runtime.
    pub async fn connect(options: &Options) -> Result<Cluster, Error> {
        let (mut config, context) = config::configuration(options).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        config.reset_reader_on_write = true;
        // What is asked again, how often and for how long is decided here: two who do so
        // multiply, the pace is lost, and so is what the server said.
        config.default_retry = false;
        config.headers.push((USER_AGENT, HeaderValue::from_static(AGENT)));
        if let Some(user) = &options.impersonate {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !options.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
        }
        let server = config::shown(&config.cluster_url.to_string());
        let namespace = config.default_namespace.clone();
        let source = Source::take(&mut config.auth_info).map_err(Error::Config)?;
        let credentials = match source {
            Some(source) => Some(Credentials::first(source).await.map_err(Error::Config)?.into()),
            None => None,
        };
        let sender = Arc::new(Sender::new(config, credentials)?);
        let server = server.trim_end_matches('/').to_owned();
        let (patience, told) = (Arc::new(Patience::new()), options.told);
        Ok(Cluster { sender, server, context, namespace, patience, told })
    }

    /// The same cluster, asked under a name of its own behind `ironhull/VERSION`, so that
    /// logs tell its requests apart. Nothing is read or run again for it: a kubeconfig may be
    /// a pipe. Must run inside the tokio runtime that asks.
    ///
    /// # Errors
    /// When no header may have the name.
    pub fn called(&self, name: &str) -> Result<Cluster, Error> {
        let agent = HeaderValue::try_from(format!("{AGENT} {name}"))
            .map_err(|error| Error::Config(error.to_string()))?;
        let sender = self.sender.with(|config| {
            config.headers.retain(|(name, _)| name != USER_AGENT);
            config.headers.push((USER_AGENT, agent));
        })?;
        Ok(Cluster { sender: sender.into(), ..self.clone() })
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The context of the kubeconfig; empty without one.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The namespace of the context, `default` when it names none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The body of a GET.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.get_as(path, "application/json").await
    }

    /// The body of a GET in one of the media types of `accept`.
    pub async fn get_as(&self, path: &str, accept: &str) -> Result<Vec<u8>, Error> {
        self.ask(Ask { accept, ..Ask::get(path) }).await
    }

    /// The body of a GET, which must not be longer than `longest` bytes.
    pub async fn get_within(&self, path: &str, longest: usize) -> Result<Vec<u8>, Error> {
        self.ask(Ask { longest, ..Ask::get(path) }).await
    }

    /// The same of what comes from behind the API server, such as from a kubelet: that one
    /// does not answer is soon said.
    pub async fn get_behind(&self, path: &str, longest: usize) -> Result<Vec<u8>, Error> {
        self.ask(Ask { longest, behind: true, ..Ask::get(path) }).await
    }

    /// The body of the answer to a POST of JSON that changes nothing, such as a review:
    /// it may be made more than once.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.ask(Ask { method: &Method::POST, body: &body, ..Ask::get(path) }).await
    }

    /// What the server would answer to the creation of an object, by a dry run of the
    /// whole way to storage: nothing is stored. `user` is impersonated.
    ///
    /// # Errors
    /// When no answer comes; a refusal is an answer.
    pub async fn dry_run_create(
        &self,
        collection: &str,
        object: Vec<u8>,
        user: Option<&str>,
    ) -> Result<Answer, Error> {
        let path = format!("{collection}?dryRun=All&fieldManager=ironhull");
        self.renew(&path).await?;
        let mut request = request(Method::POST, &path, "application/json", object)?;
        if let Some(user) = user {
            let user = HeaderValue::from_str(user).map_err(|error| unasked(&path, &error))?;
            request.headers_mut().insert(IMPERSONATE_USER, user);
        }
        self.send(&path, request, LONGEST_ANSWER).await.map_err(|failed| failed.error)
    }
}

fn client(config: Config) -> Result<Client, Error> {
    // What cannot stand in a header would end the program in kube-client.
    HeaderValue::from_str(&token(&config).unwrap_or_default()).map_err(|_| {
        Error::Config("the user's token has characters that no header may have".to_owned())
    })?;
    Client::try_from(config).map_err(|error| Error::Config(chain(&error)))
}

/// The token that a kubeconfig gives.
fn token(config: &Config) -> Option<String> {
    token_of(&config.auth_info)
}

fn token_of(user: &AuthInfo) -> Option<String> {
    let user = serde_json::to_value(user).ok()?;
    user["token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned)
}

fn request(
    method: Method,
    path: &str,
    accept: &str,
    body: Vec<u8>,
) -> Result<Request<Body>, Error> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(ACCEPT, accept)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(|error| unasked(path, &error))
}

fn unasked(path: &str, error: &dyn std::error::Error) -> Error {
    Error::Answer { path: path.to_owned(), reason: error.to_string() }
}
