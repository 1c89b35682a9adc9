//! Webhooks that answer.

use serde_json::json;

use super::{Cluster, User};

/// A validating webhook, which denies objects by the label `testbed.example/deny`
/// for the reason that is its value. It is served with a certificate of the cluster's
/// authority and ends with this value.
pub struct Webhook<'c> {
    cluster: &'c Cluster,
    name: String,
    address: String,
}

impl Cluster {
    /// Serves a webhook at `address` (`127.0.0.1:0` for any port) as `host`,
    /// `SERVICE.NAMESPACE.svc`. Several that serve as one host are its replicas; the
    /// name tells them apart.
    pub fn webhook(&self, name: &str, address: &str, host: &str) -> Webhook<'_> {
        let request = json!({"op": "webhook", "name": name, "address": address, "host": host});
        let answer = self.supervisor.ask(request);
        let address = answer["address"].as_str().expect("an address").to_owned();
        Webhook { cluster: self, name: name.to_owned(), address }
    }
}

impl Cluster {
    /// What a webhook's `caBundle` says: the authority's certificate in PEM, in base64.
    pub fn ca_bundle(&self) -> String {
        let config = self.kubeconfig_to(&self.url(), &User::Anonymous);
        let data = &config["clusters"][0]["cluster"]["certificate-authority-data"];
        data.as_str().expect("a certificate").to_owned()
    }
}

impl Webhook<'_> {
    /// Where it listens: `ADDRESS:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many reviews it was asked for.
    pub fn reviews(&self) -> u64 {
        let answer = self.cluster.supervisor.ask(json!({"op": "reviews", "name": self.name}));
        answer["reviews"].as_u64().expect("a number")
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cluster.supervisor.ask(json!({"op": "close-webhook", "name": self.name}));
        }
    }
}
