//! Who asks, and what proves it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Cluster, Proxy};

/// Somebody whom the API server knows.
#[derive(Clone, Debug)]
pub enum User {
    /// A name and groups, as a client certificate gives them.
    Named {
        /// The certificate's common name.
        name: String,
        /// Its organizations.
        groups: Vec<String>,
    },
    /// A ServiceAccount: in a kubeconfig by a token that was requested for it.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Nobody: `system:anonymous`.
    Anonymous,
    /// Somebody who sends more headers of his own, such as whom he impersonates, or a token.
    With {
        /// Who.
        user: Box<User>,
        /// Names and values.
        headers: Vec<(&'static str, String)>,
    },
}

impl User {
    /// A member of `system:masters`, who may do everything.
    pub fn admin() -> Self {
        Self::named("testbed-admin", &["system:masters"])
    }

    /// A user by name and groups.
    pub fn named(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        Self::Named { name: name.to_owned(), groups }
    }

    /// A ServiceAccount.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The same, who sends more headers.
    #[must_use]
    pub fn with_headers(self, headers: &[(&'static str, &str)]) -> Self {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        Self::With { user: Box::new(self), headers }
    }

    /// How the supervisor is told; a ServiceAccount as its token would name it.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let (name, groups) = match self {
            Self::Named { name, groups } => (name.clone(), groups.clone()),
            Self::ServiceAccount { namespace, name } => (
                format!("system:serviceaccount:{namespace}:{name}"),
                vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                ],
            ),
            Self::Anonymous => return Vec::new(),
            Self::With { user, headers } => {
                return user.headers().into_iter().chain(headers.iter().cloned()).collect();
            }
        };
        let mut headers = vec![("Testbed-User", name)];
        headers.extend(groups.into_iter().map(|group| ("Testbed-Group", group)));
        headers
    }
}

/// What a client shows to prove who it is, in PEM or as a token.
#[derive(Clone)]
pub enum Credentials {
    /// A client certificate and its key.
    Certificate {
        /// PEM.
        certificate: String,
        /// PEM.
        key: String,
    },
    /// A bearer token.
    Token(String),
    /// Nothing.
    None,
}

impl Cluster {
    /// A client certificate, or a token that is good for an hour.
    pub fn credentials(&self, user: &User) -> Credentials {
        match user {
            User::Named { name, groups } => {
                let answer =
                    self.supervisor.ask(json!({"op": "issue", "user": name, "groups": groups}));
                let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
                Credentials::Certificate { certificate: text("certificate"), key: text("key") }
            }
            User::ServiceAccount { namespace, name } => {
                Credentials::Token(self.token(namespace, name))
            }
            User::Anonymous => Credentials::None,
            User::With { user, .. } => self.credentials(user),
        }
    }

    /// A kubeconfig for the API server itself.
    pub fn kubeconfig(&self, user: &User) -> PathBuf {
        let config = self.kubeconfig_to(&self.server_url(), user);
        self.write_kubeconfig(&config)
    }

    /// A kubeconfig for the API server behind a proxy.
    pub fn kubeconfig_through(&self, proxy: &Proxy<'_>, user: &User) -> PathBuf {
        let config = self.kubeconfig_to(&proxy.url(), user);
        self.write_kubeconfig(&config)
    }

    fn token(&self, namespace: &str, name: &str) -> String {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        });
        let answer = self.post(&User::admin(), &path, &request).expect_success();
        answer["status"]["token"].as_str().expect("a token").to_owned()
    }

    /// The API server's URL also while the cluster is being started.
    fn server_url(&self) -> String {
        let components = self.components.lock().expect("components");
        let port = components["kube-apiserver"]
            .1
            .iter()
            .find_map(|flag| flag.strip_prefix("--secure-port="))
            .expect("the API server has a port");
        format!("https://127.0.0.1:{port}")
    }

    pub(super) fn kubeconfig_to(&self, server: &str, user: &User) -> Value {
        let mut request = json!({"op": "kubeconfig", "server": server});
        match user {
            User::Named { name, groups } => {
                request["user"] = json!(name);
                request["groups"] = json!(groups);
            }
            User::ServiceAccount { namespace, name } => {
                request["token"] = json!(self.token(namespace, name));
            }
            User::Anonymous => {}
            // A kubeconfig knows no headers.
            User::With { user, .. } => return self.kubeconfig_to(server, user),
        }
        self.supervisor.ask(request)["kubeconfig"].take()
    }

    fn write_kubeconfig(&self, config: &Value) -> PathBuf {
        static N_WRITTEN: AtomicUsize = AtomicUsize::new(0);
        let number = N_WRITTEN.fetch_add(1, Ordering::Relaxed);
        let path =
            self.dir().join("pki").join(format!("kubeconfig-{}-{number}", self.supervisor.client));
        std::fs::write(&path, config.to_string()).expect("write a kubeconfig");
        path
    }
}
