//! What a check judges by: configuration, controls, and the moment it judges as of.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::{Context, bail};
use ironhull_controls::{Control, exceptions, policies};
use ironhull_dialects::audit;
use ironhull_model::{Minor, Severity, Snapshot, World};
use jiff::civil::Date;

use crate::args::{Global, Judging};
use crate::config::{self, Config};
use crate::estate;

/// What a check judges by.
pub(super) struct Plan {
    pub(super) config: Config,
    pub(super) minor: Minor,
    pub(super) minor_assumed: bool,
    pub(super) at: String,
    pub(super) today: Date,
    /// Findings below it come without evidence and repair.
    pub(super) proof_from: Severity,
    /// Every control there is.
    pub(super) every: Vec<&'static Control>,
    /// Those that judge, without those of admission policies.
    pub(super) controls: Vec<&'static Control>,
    /// Controls and policies that `--only` or the configuration names.
    only: Vec<String>,
}

impl Plan {
    /// `proof_from` makes a severity of the configuration.
    pub(super) fn new(
        targets: &[String],
        judging: &Judging,
        global: &Global,
        proof_from: impl FnOnce(&Config) -> anyhow::Result<Severity>,
    ) -> anyhow::Result<Plan> {
        let config = config::load(global, targets)?;
        let (minor, minor_assumed) = config::minor(judging.kubernetes_version.as_deref(), &config)?;
        let (at, today) = config::now(global)?;
        let proof_from = proof_from(&config)?;
        let every = every_control(judging, &config)?;
        let only = if judging.only.is_empty() { &config.only } else { &judging.only }.clone();
        let controls = select(&every, &only)?;
        Ok(Plan { config, minor, minor_assumed, at, today, proof_from, every, controls, only })
    }

    /// Whether only what is named is judged.
    pub(super) fn is_named(&self) -> bool {
        !self.only.is_empty()
    }

    /// How to read for it.
    pub(super) fn options<'o>(
        &'o self,
        judging: &'o Judging,
        global: &'o Global,
    ) -> estate::Options<'o> {
        estate::Options {
            minor: self.minor,
            minor_assumed: self.minor_assumed,
            complete: self.config.complete,
            owner: self.config.owner.as_deref(),
            policies: &judging.policy,
            wanted: estate::wanted(&self.every, self.minor),
            namespaces: &[],
            global,
        }
    }

    /// The admission policies of an estate as controls. They end with whoever asked: a
    /// watch asks again whenever much changes.
    pub(super) fn admission_controls(&self, snapshot: &Snapshot) -> Vec<Arc<Control>> {
        let all = audit::controls(World::new(snapshot));
        let wanted = |control: &Control| {
            self.only.is_empty() || self.only.iter().any(|name| *control.id == **name)
        };
        all.into_iter().filter(wanted).map(Arc::new).collect()
    }

    /// Some controls, and then those of admission policies.
    pub(super) fn beside<'c>(
        controls: &[&'static Control],
        admission: &'c [Arc<Control>],
    ) -> Vec<&'c Control> {
        controls.iter().copied().chain(admission.iter().map(|control| &**control)).collect()
    }

    /// Whether all admission policies that are named are among some controls.
    pub(super) fn has_named(&self, admission: &[Arc<Control>]) -> anyhow::Result<()> {
        let is_there = |name: &String| admission.iter().any(|control| *control.id == **name);
        match self.only.iter().find(|name| is_admission(name) && !is_there(name)) {
            Some(name) => bail!("{name:?} is no admission policy of the input"),
            None => Ok(()),
        }
    }

    /// The by-design exceptions that ship with the product, as far as they are on.
    pub(super) fn packs(&self) -> Vec<exceptions::Exception> {
        let is_on = |name: &str| {
            self.config.packs.as_ref().is_none_or(|packs| packs.iter().any(|pack| pack == name))
        };
        let packs = ironhull_catalogue::packs().iter().filter(|pack| is_on(&pack.name));
        exceptions::Exception::of_packs(packs)
    }
}

/// The catalogue and the user's own controls.
fn every_control(judging: &Judging, config: &Config) -> anyhow::Result<Vec<&'static Control>> {
    let every: Vec<&'static Control> =
        ironhull_catalogue::controls().iter().chain(own_controls(judging, config)?).collect();
    let mut ids = HashSet::new();
    if let Some(control) = every.iter().find(|control| !ids.insert(&*control.id)) {
        bail!("there are two controls with the id {:?}; give yours another", &*control.id);
    }
    Ok(every)
}

/// Whether a name is that of an admission policy's control.
fn is_admission(name: &str) -> bool {
    name.starts_with("vap/") || name.starts_with("map/")
}

/// The controls that `--only` names, or all.
fn select(every: &[&'static Control], only: &[String]) -> anyhow::Result<Vec<&'static Control>> {
    // Those of admission policies are known when the input is read.
    let named: Vec<&str> =
        only.iter().map(String::as_str).filter(|name| !is_admission(name)).collect();
    if named.is_empty() && !only.is_empty() {
        return Ok(Vec::new());
    }
    policies::select(every, &named).map_err(anyhow::Error::msg)
}

/// The user's own control files, compiled now. They live as long as the process.
fn own_controls(judging: &Judging, config: &Config) -> anyhow::Result<Vec<&'static Control>> {
    let mut controls = Vec::new();
    for path in judging.controls.iter().chain(&config.controls) {
        let (compiled, _) = super::super::policy::compile_files(std::slice::from_ref(path))
            .with_context(|| format!("failed to load the controls in {}", path.display()))?;
        controls.extend(compiled.into_iter().map(|control| &*Box::leak(Box::new(control))));
    }
    Ok(controls)
}
