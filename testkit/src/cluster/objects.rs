//! Reading and writing objects.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::request::{self, Lines, Response};
use super::{Cluster, User};

impl Cluster {
    /// One request. `path` includes the query, encoded.
    ///
    /// # Panics
    /// When the answer is cut or does not come within a minute.
    pub fn request(
        &self,
        user: &User,
        method: &str,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> Response {
        self.try_request(user, method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.log_tails()))
    }

    pub(super) fn try_request(
        &self,
        user: &User,
        method: &str,
        path: &str,
        body: Option<(&str, &Value)>,
    ) -> std::io::Result<Response> {
        request::exchange(&self.socket(), user, method, path, body)
    }

    /// The unix socket through which requests go, in the components' temporary directory.
    pub fn socket(&self) -> PathBuf {
        self.socket.lock().expect("socket").clone()
    }

    /// GET.
    pub fn get(&self, user: &User, path: &str) -> Response {
        self.request(user, "GET", path, None)
    }

    /// POST of JSON.
    pub fn post(&self, user: &User, path: &str, body: &Value) -> Response {
        self.request(user, "POST", path, Some(("application/json", body)))
    }

    /// PUT of JSON.
    pub fn put(&self, user: &User, path: &str, body: &Value) -> Response {
        self.request(user, "PUT", path, Some(("application/json", body)))
    }

    /// JSON merge patch.
    pub fn merge(&self, user: &User, path: &str, patch: &Value) -> Response {
        self.request(user, "PATCH", path, Some(("application/merge-patch+json", patch)))
    }

    /// DELETE.
    pub fn delete(&self, user: &User, path: &str) -> Response {
        self.request(user, "DELETE", path, None)
    }

    /// The lines of an answer as they come, such as the events of a watch.
    ///
    /// # Panics
    /// When it is refused.
    pub fn stream(&self, user: &User, path: &str) -> Lines {
        request::stream(&self.socket(), user, path)
            .unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Creates an object of any kind, where its own metadata says.
    pub fn create(&self, user: &User, object: &Value) -> Response {
        self.post(user, &self.collection(object), object)
    }

    /// Creates objects as an administrator, in their order.
    ///
    /// # Panics
    /// When one is refused.
    pub fn create_all(&self, objects: &[Value]) {
        for object in objects {
            let response = self.create(&User::admin(), object);
            assert!(response.is_success(), "{object}: {}", response.body);
        }
    }

    /// The path of an object.
    pub fn path(&self, object: &Value) -> String {
        format!("{}/{}", self.collection(object), text(object, "name"))
    }

    /// The path of an object's collection, by what the API server serves.
    ///
    /// # Panics
    /// When the kind is not served.
    pub fn collection(&self, object: &Value) -> String {
        let version = object["apiVersion"].as_str().expect("apiVersion");
        let kind = object["kind"].as_str().expect("kind");
        let root = if version.contains('/') {
            format!("/apis/{version}")
        } else {
            format!("/api/{version}")
        };
        let (plural, namespaced) =
            self.resource(&root, kind).unwrap_or_else(|| panic!("{version} {kind} is not served"));
        if namespaced {
            let namespace = match text(object, "namespace") {
                "" => "default",
                namespace => namespace,
            };
            format!("{root}/namespaces/{namespace}/{plural}")
        } else {
            format!("{root}/{plural}")
        }
    }

    /// Plural name, and whether it lives in namespaces.
    fn resource(&self, root: &str, kind: &str) -> Option<(String, bool)> {
        let key = format!("{root}/{kind}");
        if let Some(known) = self.resources.lock().expect("resources").get(&key) {
            return Some(known.clone());
        }
        let list = self.get(&User::admin(), root);
        let served = list.body["resources"].as_array()?.iter().find(|resource| {
            resource["kind"] == kind
                && resource["name"].as_str().is_some_and(|name| !name.contains('/'))
        })?;
        let found = (served["name"].as_str()?.to_owned(), served["namespaced"].as_bool()?);
        self.resources.lock().expect("resources").insert(key, found.clone());
        Some(found)
    }

    /// Makes a namespace of its own for a test, with the labels given, and waits
    /// until pods can be made there.
    pub fn namespace_with(&self, prefix: &str, labels: &[(&str, &str)]) -> String {
        static N_MADE: AtomicUsize = AtomicUsize::new(0);
        // Processes that share the cluster count by themselves.
        let number = N_MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{number}", self.supervisor.client);
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
        self.create_all(&[json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        })]);
        if self.components.lock().expect("components").contains_key("kube-controller-manager") {
            self.wait_for_service_account(&name);
        }
        name
    }

    /// Makes a namespace of its own for a test.
    pub fn namespace(&self, prefix: &str) -> String {
        self.namespace_with(prefix, &[])
    }

    /// The paths of all kinds that can be listed, in the versions that the server prefers.
    pub fn collections(&self) -> Vec<String> {
        let admin = User::admin();
        let groups = self.get(&admin, "/apis").expect_success();
        let groups = groups["groups"].as_array().into_iter().flatten();
        let preferred = groups.filter_map(|group| {
            Some(format!("/apis/{}", group["preferredVersion"]["groupVersion"].as_str()?))
        });
        let mut paths = Vec::new();
        for root in preferred.chain(["/api/v1".to_owned()]) {
            let served = self.get(&admin, &root).expect_success();
            let resources = served["resources"].as_array().into_iter().flatten();
            let is_listed = |resource: &&Value| {
                let verbs = resource["verbs"].as_array().into_iter().flatten();
                verbs.into_iter().any(|verb| verb == "list")
            };
            let names = resources.filter(is_listed);
            let names = names.filter_map(|resource| resource["name"].as_str());
            paths.extend(names.map(|name| format!("{root}/{name}")));
        }
        paths
    }

    /// What the API server has audited until now, by the policy of the options.
    pub fn audit_events(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir().join("logs/audit")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}
