//! What leads into the cluster from outside: Services of certain types, Ingresses
//! and routes, followed to the pods behind them. And those that lead nowhere.

use std::sync::Arc;

use ironhull_model::{Node, Object, Pointer, ThingRef};

use crate::{Certainty, Direction, Network, Peer, Port, Protocol, Workload};

/// Kinds of the Gateway API whose rules refer to Services.
const ROUTES: &[&str] = &["GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute"];

const GATEWAY: &str = "gateway.networking.k8s.io";

/// Annotations that keep a load balancer inside a private network, unless they
/// say one of the values.
const INTERNAL: &[&str] = &[
    "cloud.google.com/load-balancer-type",
    "networking.gke.io/load-balancer-type",
    "service.beta.kubernetes.io/aws-load-balancer-internal",
    "service.beta.kubernetes.io/aws-load-balancer-scheme",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
];
const NOT_INTERNAL: &[&str] = &["external", "false", "internet-facing"];

/// How it is exposed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum How {
    /// A Service of type LoadBalancer, not kept internal.
    LoadBalancer,
    /// A port of every node.
    NodePort,
    /// Addresses that a Service claims.
    ExternalIps,
    /// An Ingress.
    Ingress,
    /// A route of the Gateway API.
    Route,
}

impl How {
    /// In a sentence: exposed by ….
    pub fn in_words(self) -> &'static str {
        match self {
            How::LoadBalancer => "a load balancer",
            How::NodePort => "a port of every node",
            How::ExternalIps => "external addresses",
            How::Ingress => "an Ingress",
            How::Route => "a route",
        }
    }
}

/// One way in.
#[derive(Clone, Debug)]
pub struct Exposure<'n, 'a> {
    /// What opens it.
    pub how: How,
    /// The object that opens it: the Service itself, an Ingress or a route.
    pub entry: &'a Arc<Object>,
    /// Where in that object.
    pub at: Pointer,
    /// The Service on the way.
    pub service: &'a Arc<Object>,
    /// The pods at its end.
    pub workload: &'n Workload<'a>,
    /// Where they listen.
    pub port: Port,
    /// Whether their policies let it in.
    pub allowed: Certainty,
}

/// A Service that an Ingress or a route names.
#[derive(Clone, Debug)]
pub struct Backend<'a> {
    /// The Ingress or route.
    pub entry: &'a Arc<Object>,
    /// The reference in it.
    pub at: Pointer,
    /// The Service's namespace.
    pub namespace: &'a str,
    /// The Service's name.
    pub name: &'a str,
    /// The Service's port: a number or a name.
    pub port: Option<Node<'a>>,
    how: How,
}

impl<'a> Network<'a> {
    /// The workloads whose pods a Service selects, certainly or possibly. A Service
    /// without selector has pods only by hand-written endpoints.
    pub fn behind(&self, service: &'a Object) -> Vec<(&Workload<'a>, Certainty)> {
        let selector = service.root().path(&["spec", "selector"]).filter(|node| !node.is_empty());
        let Some(selector) = selector else { return Vec::new() };
        self.candidates(&service.thing.namespace, Some(selector))
            .map(|workload| (workload, workload.labels.hold(selector)))
            .filter(|(_, selected)| *selected > Certainty::No)
            .collect()
    }

    /// Every way in, by entry.
    pub fn exposures(&self) -> Vec<Exposure<'_, 'a>> {
        let mut all = Vec::new();
        for service in self.world.of_kind("", "Service") {
            let Some(how) = exposing_type(service) else { continue };
            for port in service.root().path(&["spec", "ports"]).into_iter().flat_map(Node::items) {
                self.follow(how, service, port.pointer(), service, port, &mut all);
            }
        }
        for backend in self.backends() {
            let Some(service) = self.service(&backend) else { continue };
            if let Some(port) = service_port(service, backend.port) {
                self.follow(backend.how, backend.entry, backend.at, service, port, &mut all);
            }
        }
        all
    }

    fn follow<'n>(
        &'n self,
        how: How,
        entry: &'a Arc<Object>,
        at: Pointer,
        service: &'a Arc<Object>,
        port: Node<'a>,
        all: &mut Vec<Exposure<'n, 'a>>,
    ) {
        let peer = match how {
            How::Ingress | How::Route => Peer::SomePod,
            _ => Peer::Internet,
        };
        for (workload, selected) in self.behind(service) {
            let Some(port) = target(port, workload).filter(|_| selected == Certainty::Yes) else {
                continue;
            };
            let allowed = self.decide(workload, Direction::Ingress, peer, port).allowed;
            all.push(Exposure { how, entry, at: at.clone(), service, workload, port, allowed });
        }
    }

    /// The Services that Ingresses and routes name.
    pub fn backends(&self) -> Vec<Backend<'a>> {
        let mut all = Vec::new();
        for ingress in self.ingresses() {
            for node in ingress_backends(ingress.root()) {
                all.extend(ingress_backend(ingress, node));
            }
        }
        for route in ROUTES.iter().flat_map(|kind| self.world.of_kind(GATEWAY, kind)) {
            let rules = route.root().path(&["spec", "rules"]).into_iter().flat_map(Node::items);
            let refs = rules.filter_map(|rule| rule.get("backendRefs")).flat_map(Node::items);
            all.extend(refs.filter_map(|node| route_backend(route, node)));
        }
        all
    }

    fn ingresses(&self) -> impl Iterator<Item = &'a Arc<Object>> {
        ["extensions", crate::GROUP]
            .into_iter()
            .flat_map(|group| self.world.of_kind(group, "Ingress"))
    }

    /// The Service of a backend, if it was read.
    pub fn service(&self, backend: &Backend<'_>) -> Option<&'a Arc<Object>> {
        self.world.get(&ThingRef::new("", "Service", backend.namespace, backend.name))
    }

    /// Whether every Service was read.
    pub fn knows_all_services(&self) -> bool {
        self.world.base.coverage.is_complete("", "Service")
    }

    /// All Services.
    pub fn services(&self) -> impl Iterator<Item = &'a Arc<Object>> {
        self.world.of_kind("", "Service")
    }
}

fn exposing_type(service: &Object) -> Option<How> {
    let spec = service.root().get("spec")?;
    let internal = || {
        INTERNAL
            .iter()
            .filter_map(|key| service.annotation(key))
            .any(|value| !NOT_INTERNAL.contains(&value.to_lowercase().as_str()))
    };
    let how = match spec.get("type").and_then(Node::as_str) {
        Some("LoadBalancer") if !internal() => Some(How::LoadBalancer),
        Some("NodePort") => Some(How::NodePort),
        _ => None,
    };
    let external = spec.get("externalIPs").is_some_and(|list| !list.is_empty());
    how.or(external.then_some(How::ExternalIps))
}

/// The port of a Service that a number or a name means; its only one when
/// nothing is said.
pub fn service_port<'a>(service: &'a Object, wanted: Option<Node<'_>>) -> Option<Node<'a>> {
    let ports = service.root().path(&["spec", "ports"])?;
    let Some(wanted) = wanted else { return ports.item(0).filter(|_| ports.len() == 1) };
    ports.items().find(|port| match wanted.as_str() {
        Some(name) => port.get("name").and_then(Node::as_str) == Some(name),
        None => port.get("port").is_some_and(|number| number == wanted),
    })
}

/// Where a Service's port leads on a pod; none when it is a name that the pod
/// does not declare.
pub fn target(port: Node<'_>, workload: &Workload<'_>) -> Option<Port> {
    let protocol = Protocol::of(port)?;
    let given = |name| port.get(name).filter(|node: &Node<'_>| !node.is_null());
    let target = given("targetPort").or_else(|| given("port"))?;
    let number = match target.as_str() {
        None => target.as_i64(),
        Some(name) => workload
            .ports()
            .map(|(_, declared)| declared)
            .find(|declared| {
                declared.get("name").and_then(Node::as_str) == Some(name)
                    && Protocol::of(*declared) == Some(protocol)
            })
            .and_then(|declared| declared.get("containerPort")?.as_i64()),
    };
    Some(Port { protocol, number: u16::try_from(number?).ok()? })
}

fn ingress_backends<'a>(root: Node<'a>) -> Vec<Node<'a>> {
    let Some(spec) = root.get("spec") else { return Vec::new() };
    let rules = spec.get("rules").into_iter().flat_map(Node::items);
    let paths = rules.filter_map(|rule| rule.path(&["http", "paths"])).flat_map(Node::items);
    let default = ["defaultBackend", "backend"].into_iter().filter_map(|name| spec.get(name));
    default.chain(paths.filter_map(|path| path.get("backend"))).collect()
}

fn ingress_backend<'a>(entry: &'a Arc<Object>, node: Node<'a>) -> Option<Backend<'a>> {
    let (name, port) = match node.get("service").filter(|service| !service.is_null()) {
        Some(service) => {
            let port = service.get("port");
            let port = port.and_then(|port| port.get("name").or_else(|| port.get("number")));
            (service.get("name")?, port)
        }
        // Before networking.k8s.io/v1.
        None => (node.get("serviceName")?, node.get("servicePort")),
    };
    let namespace = &*entry.thing.namespace;
    Some(Backend {
        entry,
        at: node.pointer(),
        namespace,
        name: name.as_str()?,
        port,
        how: How::Ingress,
    })
}

fn route_backend<'a>(entry: &'a Arc<Object>, node: Node<'a>) -> Option<Backend<'a>> {
    let text = |name| node.get(name).and_then(Node::as_str);
    let is_service =
        matches!(text("kind"), None | Some("Service")) && text("group").is_none_or(str::is_empty);
    is_service.then_some(())?;
    Some(Backend {
        entry,
        at: node.pointer(),
        namespace: text("namespace").unwrap_or(&entry.thing.namespace),
        name: text("name")?,
        port: node.get("port"),
        how: How::Route,
    })
}
