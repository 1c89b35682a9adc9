//! Bad days: a proxy in front of the API server, whose faults a test switches.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::supervisor::Supervisor;

/// What happens to requests that match.
#[derive(Clone, Debug)]
pub struct Fault {
    /// A prefix of the URL's path; empty for all.
    pub path: &'static str,
    /// Only watches, or only what is no watch.
    pub watch: Option<bool>,
    /// What happens.
    pub effect: Effect,
    /// To how many requests; 0 for all until the faults are set anew.
    pub times: u32,
}

/// What a fault does.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// The request waits before it goes on, and may meet further faults.
    Latency(Duration),
    /// It is answered with a `Status` of this code.
    Status {
        /// 400 to 599.
        code: u16,
        /// `Retry-After` in seconds; 0 for none.
        retry_after: u32,
    },
    /// A watch is opened and told at once that its resource version is too old.
    Gone,
    /// The connection breaks with an RST once so many bytes of the body passed.
    Reset {
        /// 0: before the answer begins.
        after_bytes: u64,
    },
    /// The answer ends too early, without its end being marked.
    Truncate {
        /// 0: before the answer begins.
        after_bytes: u64,
    },
    /// Nothing comes any more, and nothing is closed.
    HalfOpen {
        /// 0: before the answer begins.
        after_bytes: u64,
    },
}

/// What happens to connections, below TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// Nothing.
    Normal,
    /// Nobody listens.
    Refuse,
    /// They are broken as soon as they are made.
    Reset,
    /// They are made, and nothing is read or written until this ends.
    Stall,
}

/// A request that came through a proxy.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET`.
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// Whom its client certificate names; empty without one.
    pub user: String,
    /// What the client calls itself.
    pub user_agent: String,
}

/// A TLS port with the API server behind it, in HTTP/1.1 and 2. Its certificate is
/// of the cluster's authority, and users are the same behind it.
pub struct Proxy<'a> {
    supervisor: &'a Arc<Supervisor>,
    port: u64,
}

impl<'a> Proxy<'a> {
    pub(super) fn open(supervisor: &'a Arc<Supervisor>) -> Self {
        let answer = supervisor.ask(json!({"op": "proxy"}));
        Self { supervisor, port: answer["port"].as_u64().expect("a port") }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Sets what happens to requests that come from now on, instead of what was
    /// set before.
    pub fn set(&self, faults: &[Fault]) {
        self.send(faults, Connections::Normal, false);
    }

    /// As [`Proxy::set`], and what is under way, such as a watch, meets the first
    /// fault that matches: a reset, truncation or half-open at once.
    pub fn strike(&self, faults: &[Fault]) {
        self.send(faults, Connections::Normal, true);
    }

    /// Sets what happens to connections that are made from now on, without faults
    /// of requests.
    pub fn connections(&self, connections: Connections) {
        self.send(&[], connections, false);
    }

    /// As [`Proxy::connections`], and the connections that there are break, or stall.
    pub fn strike_connections(&self, connections: Connections) {
        self.send(&[], connections, true);
    }

    /// Ends all faults; what is broken stays so, what stalled goes on.
    pub fn clear(&self) {
        self.set(&[]);
    }

    /// The requests since this was last asked, in their order, at most 100,000.
    pub fn take_requests(&self) -> Vec<Seen> {
        let answer = self.ask(json!({"op": "requests"}));
        let requests = answer["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
        requests
            .iter()
            .map(|request| {
                let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
                Seen {
                    method: text("method"),
                    uri: text("uri"),
                    user: text("user"),
                    user_agent: text("userAgent"),
                }
            })
            .collect()
    }

    fn send(&self, faults: &[Fault], connections: Connections, existing: bool) {
        let faults: Vec<Value> = faults.iter().map(fault).collect();
        let connections = match connections {
            Connections::Normal => "",
            Connections::Refuse => "refuse",
            Connections::Reset => "reset",
            Connections::Stall => "stall",
        };
        self.ask(json!({
            "op": "faults", "faults": faults, "connections": connections, "existing": existing,
        }));
    }

    fn ask(&self, mut request: Value) -> Value {
        request["proxy"] = json!(self.port);
        self.supervisor.ask(request)
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        // The supervisor is gone where a test that failed has ended it.
        if !std::thread::panicking() {
            self.ask(json!({"op": "close"}));
        }
    }
}

fn fault(fault: &Fault) -> Value {
    let mut value = match fault.effect {
        Effect::Latency(time) => json!({"kind": "latency", "millis": time.as_millis() as u64}),
        Effect::Status { code, retry_after } => {
            json!({"kind": "status", "status": code, "retryAfter": retry_after})
        }
        Effect::Gone => json!({"kind": "gone"}),
        Effect::Reset { after_bytes } => json!({"kind": "reset", "afterBytes": after_bytes}),
        Effect::Truncate { after_bytes } => json!({"kind": "truncate", "afterBytes": after_bytes}),
        Effect::HalfOpen { after_bytes } => json!({"kind": "half-open", "afterBytes": after_bytes}),
    };
    value["path"] = json!(fault.path);
    value["watch"] = json!(fault.watch);
    value["times"] = json!(fault.times);
    value
}
