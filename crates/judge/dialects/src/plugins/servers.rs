//! Which plugins API servers run, as the flags of those say that were read
//! (`k8s.io/kubernetes/pkg/kubeapiserver/options/plugins.go`).

use ironhull_model::World;
use ironhull_process::command::{self, Command};

use crate::estate::Estate;

/// A world as the plugins of one of its API servers look at it.
#[derive(Clone, Copy)]
pub(crate) struct View<'p, 'a> {
    pub(super) estate: &'p Estate<'a>,
    pub(super) server: &'p Server,
}

impl<'p, 'a> View<'p, 'a> {
    /// By each API server that runs other plugins than the rest.
    pub(super) fn all(estate: &'p Estate<'a>) -> impl Iterator<Item = View<'p, 'a>> {
        estate.servers().iter().map(move |server| View { estate, server })
    }
}

/// A plugin that changes objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Plugin {
    AlwaysPullImages,
    DefaultIngressClass,
    DefaultStorageClass,
    DefaultTolerationSeconds,
    ExtendedResourceToleration,
    LimitRanger,
    PodNodeSelector,
    PodTolerationRestriction,
    PodTopologyLabels,
    Priority,
    RuntimeClass,
    ServiceAccount,
    StorageObjectInUseProtection,
    TaintNodesByCondition,
}

use Plugin::{
    AlwaysPullImages, DefaultIngressClass, DefaultStorageClass, DefaultTolerationSeconds,
    ExtendedResourceToleration, LimitRanger, PodNodeSelector, PodTolerationRestriction,
    PodTopologyLabels, Priority, RuntimeClass, ServiceAccount, StorageObjectInUseProtection,
    TaintNodesByCondition,
};

/// By their names, and whether they run unless flags say otherwise.
const ALL: [(&str, Plugin, bool); 14] = [
    ("AlwaysPullImages", AlwaysPullImages, false),
    ("DefaultIngressClass", DefaultIngressClass, true),
    ("DefaultStorageClass", DefaultStorageClass, true),
    ("DefaultTolerationSeconds", DefaultTolerationSeconds, true),
    ("ExtendedResourceToleration", ExtendedResourceToleration, false),
    ("LimitRanger", LimitRanger, true),
    ("PodNodeSelector", PodNodeSelector, false),
    ("PodTolerationRestriction", PodTolerationRestriction, false),
    ("PodTopologyLabels", PodTopologyLabels, true),
    ("Priority", Priority, true),
    ("RuntimeClass", RuntimeClass, true),
    ("ServiceAccount", ServiceAccount, true),
    ("StorageObjectInUseProtection", StorageObjectInUseProtection, true),
    ("TaintNodesByCondition", TaintNodesByCondition, true),
];

/// How long a pod stays on a node that is not ready, and on one that is not reached.
const SECONDS: [(&str, i64); 2] = [
    ("default-not-ready-toleration-seconds", 300),
    ("default-unreachable-toleration-seconds", 300),
];

/// What an API server runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Server {
    plugins: Vec<Plugin>,
    pub(super) seconds: [i64; 2],
}

impl Server {
    /// Of a world: one for all that run alike; where none was read, one without flags.
    pub(crate) fn all(world: World<'_>) -> Vec<Server> {
        let mut all: Vec<Server> = Vec::new();
        for command in command::api_servers(world) {
            let server = Server::of(Some(&command));
            if !all.contains(&server) {
                all.push(server);
            }
        }
        if all.is_empty() { vec![Server::of(None)] } else { all }
    }

    /// Flags whose values are not known count as not given.
    fn of(command: Option<&Command<'_>>) -> Server {
        let list = |name| command.and_then(|command| command.list(name)).unwrap_or_default();
        let (on, off) = (list("enable-admission-plugins"), list("disable-admission-plugins"));
        let has = |names: &[String], name: &str| names.iter().any(|known| known == name);
        let runs = ALL
            .into_iter()
            .filter(|(name, _, is_default)| has(&on, name) || *is_default && !has(&off, name));
        let seconds = SECONDS.map(|(name, default)| {
            let flag = command.and_then(|command| command.flag(name)?.value);
            flag.and_then(|value| value.parse().ok()).unwrap_or(default)
        });
        Server { plugins: runs.map(|(_, plugin, _)| plugin).collect(), seconds }
    }

    pub(super) fn runs(&self, plugin: Plugin) -> bool {
        self.plugins.contains(&plugin)
    }
}
