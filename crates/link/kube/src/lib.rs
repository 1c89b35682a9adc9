//! The wire to a Kubernetes API server: where it is and who asks (kubeconfig or the
//! pod's own ServiceAccount), requests, and errors that say what to do. What is
//! asked is the callers' business.
//!
//! Connections, TLS, proxies and credential plugins are kube-client's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::BodyExt;
use kube_client::client::Body;
use kube_client::config::{KubeConfigOptions, Kubeconfig};
use kube_client::{Client, Config};
use serde::Deserialize;

/// How long an answer may take until its next byte.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

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
    client: Client,
    server: String,
    namespace: String,
}

impl Cluster {
    /// Reads the configuration. Nothing is asked yet. Must run inside a tokio runtime.
    pub async fn connect(options: &Options) -> Result<Cluster, Error> {
        let mut config = configuration(options).await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        config.reset_reader_on_write = true;
        let agent = concat!("ironhull/", env!("CARGO_PKG_VERSION"));
        config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
        if let Some(user) = &options.impersonate {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !options.impersonate_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
        }
        let server = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| Error::Config(chain(&error)))?;
        Ok(Cluster { client, server: server.trim_end_matches('/').to_owned(), namespace })
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
        self.ask(Method::GET, path, accept, Vec::new()).await
    }

    /// The body of the answer to a POST of JSON.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.ask(Method::POST, path, "application/json", body).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let unreachable = |reason: String| Error::Unreachable {
            server: self.server.clone(),
            path: path.to_owned(),
            reason,
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, accept)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| Error::Answer { path: path.to_owned(), reason: error.to_string() })?;
        let answer = self.client.send(request).await.map_err(|error| unreachable(chain(&error)))?;
        let code = answer.status();
        let body =
            answer.into_body().collect().await.map_err(|error| unreachable(chain(&error)))?;
        let body = body.to_bytes();
        if code.is_success() {
            return Ok(body.into());
        }
        Err(refusal(code.as_u16(), &body))
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    reason: String,
    message: String,
}

/// An error from the body of an answer that is no success: a `Status`, or the text
/// of something in between.
fn refusal(code: u16, body: &[u8]) -> Error {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let message = match status.message.is_empty() {
        false => status.message,
        true => String::from_utf8_lossy(body).chars().take(200).collect(),
    };
    Error::Status { code, reason: status.reason, message }
}

async fn configuration(options: &Options) -> Result<Config, Error> {
    let wanted = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let no_config = |error: &dyn std::error::Error| Error::Config(chain(error));
    if let Some(path) = &options.kubeconfig {
        let kubeconfig = read(path)?;
        let made = Config::from_custom_kubeconfig(kubeconfig, &wanted).await;
        return made.map_err(|error| no_config(&error));
    }
    if options.context.is_some() {
        return Config::from_kubeconfig(&wanted).await.map_err(|error| no_config(&error));
    }
    Config::infer().await.map_err(|error| no_config(&error))
}

fn read(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path).map_err(|error| Error::Config(chain(&error)))
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text += ": ";
            text += &said;
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Error, refusal};

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let body = br#"{"kind":"Status","reason":"Forbidden","message":"pods is forbidden"}"#;
        let error = refusal(403, body);
        assert_eq!(
            (error.code(), error.to_string().as_str()),
            (Some(403), "pods is forbidden (HTTP 403)")
        );
        let Error::Status { reason, .. } = error else { panic!("no status") };
        assert_eq!(reason, "Forbidden");
        assert_eq!(refusal(502, b"<html>").to_string(), "<html> (HTTP 502)");
    }
}
