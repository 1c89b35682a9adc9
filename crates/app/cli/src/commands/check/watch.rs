//! `ironhull check cluster: --watch`: judges a cluster, and then each change of it.

use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::bail;
use ironhull_cluster::{Event, watch};
use ironhull_controls::Judgement;
use ironhull_controls::gate::Gates;
use ironhull_controls::standing::Difference;
use ironhull_kube::{Cluster, Error};
use ironhull_model::{Gap, Snapshot, World};
use ironhull_report::platform::Platform;
use ironhull_report::{Report, diagnostics, json, table};
use jiff::civil::Date;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use super::super::proof;
use super::gather;
use super::judged::{about_exceptions, needs, not_asked, refuse_policy_files, unasked};
use super::keeper::{Keeper, News};
use super::plan::Plan;
use super::{exit, gate, note, print, print_diagnostics, remember, render, shown_from};
use crate::args::{Check, Format, Global};
use crate::config::{self, Config};
use crate::estate::documents::{self, Documents};
use crate::estate::following::Following;
use crate::estate::{self, Estate, live};
use crate::exit::Exit;
use crate::printer;

/// Events that wait to be taken in; whoever tells more waits.
const WAITING: usize = 4096;
/// The longest time between two judgings that is kept free for others.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How often it is looked whether time alone changed something.
const TICK: Duration = Duration::from_secs(60);

/// Runs the command until a signal ends it.
pub(super) fn run(check: &Check, targets: &[String], global: &Global) -> anyhow::Result<Exit> {
    let context = match targets {
        [target] => target.strip_prefix("cluster:"),
        _ => None,
    };
    let Some(context) = context else {
        bail!("--watch is for one running cluster: cluster: or cluster:CONTEXT");
    };
    if !matches!(check.output, Format::Table | Format::Json) {
        bail!("--watch prints table or json");
    }
    let proof_from = |config: &Config| Ok(shown_from(check, &gate(check, config)?));
    let plan = Plan::new(targets, &check.judging, global, proof_from)?;
    let options = plan.options(&check.judging, global);
    let (events, told) = channel(WAITING);
    let (access, asked) = (live::access(context, global), live::asked(&options));
    let runtime = live::runtime()?;
    let outcome = runtime.block_on(async {
        let mut following = Following::new(targets, &options);
        let cluster = match Cluster::connect(&access).await {
            Ok(cluster) => cluster,
            Err(error) => return Ok(unread(context, &error, &following)),
        };
        following.estate.cluster = Some(cluster.clone());
        let follows = tokio::spawn(watch(cluster, asked, events));
        let ends = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?];
        let reader_left = Box::pin(printer::closed());
        let mut sources = Sources { told, follows, ends, reader_left, context };
        let watching = Watching { check, global, plan: &plan, targets };
        watching.run(&mut sources, &mut following).await
    });
    // Tasks that wait for the server are not waited for.
    runtime.shutdown_background();
    outcome
}

/// What happens next.
enum Next {
    Told(Event),
    /// Nothing for so long.
    Nothing,
    /// Somebody ends it.
    End,
    /// The cluster cannot be followed.
    Failed(Error),
}

/// Where what happens comes from.
struct Sources<'c> {
    told: Receiver<Event>,
    follows: JoinHandle<Result<(), Error>>,
    ends: [Signal; 2],
    /// Ends when nobody reads what is printed any more.
    reader_left: Pin<Box<dyn Future<Output = ()>>>,
    context: &'c str,
}

impl Sources<'_> {
    /// What happens next, within a time.
    async fn next(&mut self, within: Duration) -> Next {
        let [interrupt, terminate] = &mut self.ends;
        tokio::select! {
            told = self.told.recv() => match told {
                Some(event) => Next::Told(event),
                None => match (&mut self.follows).await {
                    Ok(Err(error)) => Next::Failed(error),
                    Ok(Ok(())) => Next::End,
                    Err(ended) => Next::Failed(Error::Config(ended.to_string())),
                },
            },
            _ = interrupt.recv() => Next::End,
            _ = terminate.recv() => Next::End,
            () = &mut self.reader_left => Next::End,
            () = tokio::time::sleep(within) => Next::Nothing,
        }
    }

    /// Takes in what happens: until something does, then a little longer, and until
    /// `earliest`. False when it ends.
    async fn gather(&mut self, following: &mut Following, earliest: Instant) -> bool {
        let mut next = self.next(TICK).await;
        let began = Instant::now();
        loop {
            match next {
                Next::Told(event) => take(following, event),
                Next::Nothing => return true,
                Next::End | Next::Failed(_) => return false,
            }
            let now = Instant::now();
            let until = gather::until(following.is_moving(), began, now, earliest);
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return true;
            }
            next = self.next(left).await;
        }
    }
}

/// The cluster cannot be followed.
fn unread(context: &str, error: &Error, following: &Following) -> Exit {
    let told = live::unread(context, error);
    printer::error(&diagnostics::render(&told, &following.estate.snapshot));
    Exit::Unjudged
}

fn take(following: &mut Following, event: Event) {
    match &event {
        Event::Silent(why) => printer::error(&format!("note: {why}; what follows may be late")),
        Event::Back => printer::error("note: the API server answers again"),
        _ => {}
    }
    following.take(event);
}

/// The moment that is judged as of.
#[derive(Clone)]
struct Moment {
    at: String,
    today: Date,
}

impl Moment {
    fn of(global: &Global) -> anyhow::Result<Moment> {
        let (at, today) = config::now(global)?;
        Ok(Moment { at, today })
    }

    /// Rules that ask for the time ask for days; that it is judged anew every hour is
    /// enough for them.
    fn is_of_hour(&self, other: &Moment) -> bool {
        self.at.get(..13) == other.at.get(..13)
    }
}

/// What does not change while it is watched.
struct Watching<'c> {
    check: &'c Check,
    global: &'c Global,
    plan: &'c Plan,
    targets: &'c [String],
}

impl Watching<'_> {
    async fn run(
        &self,
        sources: &mut Sources<'_>,
        following: &mut Following,
    ) -> anyhow::Result<Exit> {
        let started = Instant::now();
        while !following.is_whole() {
            match sources.next(TICK).await {
                Next::Told(event) => take(following, event),
                Next::Nothing => {}
                Next::End => return Ok(Exit::Unjudged),
                Next::Failed(error) => return Ok(unread(sources.context, &error, following)),
            }
        }
        let changes = following.settle();
        let documents = self.documents(&mut following.estate)?;
        let mut moment = Moment::of(self.global)?;
        estate::derive(&mut following.estate.snapshot, &moment.at, moment.today);
        let mut keeper = Keeper::new(self.plan, &documents);
        keeper.judge(&following.estate.snapshot, &changes, moment.today)?;
        let judging = keeper.controls();
        let known: Vec<_> = self.plan.every.iter().chain(&judging).copied().collect();
        let told = about_exceptions(
            &following.estate.snapshot,
            &keeper.judgement(&following.estate.snapshot).findings,
            &documents.exceptions,
            (&known, &judging),
            following.estate.first_policy_file,
            moment.today,
        );
        following.estate.snapshot.diagnostics.extend(told);
        self.report(&keeper, &documents, &following.estate, &moment, started)?;
        let mut gaps = following.estate.snapshot.gaps.clone();
        let mut earliest = Instant::now();
        while !printer::is_closed() && sources.gather(following, earliest).await {
            let now = Moment::of(self.global)?;
            let mut changes = following.settle();
            let snapshot = &mut following.estate.snapshot;
            if changes.everything || !now.is_of_hour(&moment) {
                estate::derive(snapshot, &now.at, now.today);
                (changes.everything, moment) = (true, now.clone());
            }
            if changes.is_empty() {
                continue;
            }
            let started = Instant::now();
            let news = keeper.judge(snapshot, &changes, moment.today)?;
            earliest = Instant::now() + started.elapsed().min(LONGEST_WAIT);
            let has_other_gaps = gaps != snapshot.gaps;
            self.tell(&keeper, snapshot, &now, news, has_other_gaps.then_some(&gaps))?;
            if has_other_gaps {
                gaps.clone_from(&snapshot.gaps);
            }
        }
        let snapshot = &following.estate.snapshot;
        let (judgement, _) = self.judgement(&keeper, snapshot);
        let said =
            self.gates(&documents)?.judge(&judgement.findings, World::new(snapshot), &|_| true);
        Ok(exit(self.check, snapshot, &judgement, said.fails))
    }

    /// The user's own policies, exceptions and gates.
    fn documents(&self, estate: &mut Estate) -> anyhow::Result<Documents> {
        let admission = self.plan.admission_controls(&estate.snapshot);
        self.plan.has_named(&admission)?;
        let known = Plan::beside(&self.plan.every, &admission);
        let documents = documents::read(&estate.own, &known, &mut estate.snapshot.diagnostics);
        refuse_policy_files(estate)?;
        Ok(documents)
    }

    fn gates(&self, documents: &Documents) -> anyhow::Result<Gates> {
        let scoped = match self.check.fail_on() {
            Some(_) => Vec::new(),
            None => documents.gates.clone(),
        };
        Ok(Gates { scoped, rest: gate(self.check, &self.plan.config)? })
    }

    /// The whole judgement as a check gives it, and what was not asked for.
    fn judgement(
        &self,
        keeper: &Keeper<'_>,
        snapshot: &Snapshot,
    ) -> (Judgement, Vec<(String, usize, String)>) {
        let mut judgement = keeper.judgement(snapshot);
        let not_asked = match self.plan.is_named() {
            true => Vec::new(),
            false => not_asked(&mut judgement, snapshot),
        };
        (judgement, not_asked)
    }

    /// Prints what a check prints.
    fn report(
        &self,
        keeper: &Keeper<'_>,
        documents: &Documents,
        estate: &Estate,
        moment: &Moment,
        started: Instant,
    ) -> anyhow::Result<()> {
        let snapshot = &estate.snapshot;
        let (judgement, not_asked) = self.judgement(keeper, snapshot);
        let proven = estate.cluster.as_ref().and_then(proof::of);
        let gates = self.gates(documents)?;
        let findings = &judgement.findings;
        let said = gates.judge(findings, World::new(snapshot), &|_| true);
        let report = Report {
            targets: self.targets,
            snapshot,
            controls: &keeper.controls(),
            judgement: &judgement,
            new: None,
            n_failing: said.looked_at.len(),
            gates: &said.gates,
            threshold: gates.rest.threshold(),
            exit: exit(self.check, snapshot, &judgement, said.fails).code(),
            at: &moment.at,
            elapsed_ms: self.global.at.is_none().then(|| started.elapsed().as_millis()),
            not_asked: &not_asked,
            platform: &Platform::of(snapshot),
            proven: proven.as_ref(),
        };
        match self.check.output {
            Format::Json => {
                print_diagnostics(snapshot);
                printer::data(&json::line(&report));
            }
            _ => {
                let shown = shown_from(self.check, &gates.rest);
                print(&report, &render(self.check, self.global, shown, &report));
            }
        }
        remember(self.check, self.global, self.targets.to_vec(), &moment.at, findings)
            .unwrap_or_else(note);
        Ok(())
    }

    /// Prints what changed. `gaps` are those of before, where there are others now.
    fn tell(
        &self,
        keeper: &Keeper<'_>,
        snapshot: &Snapshot,
        now: &Moment,
        news: News,
        gaps: Option<&Vec<Gap>>,
    ) -> anyhow::Result<()> {
        let News { mut differences, errors } = news;
        for error in &errors {
            printer::error(&diagnostics::render(error, snapshot));
        }
        if !self.plan.is_named() {
            let unasked: Vec<_> = unasked(snapshot).collect();
            let is_unasked = |difference: &Difference| {
                { unasked.iter() }.any(|unasked| needs(difference.finding(), &unasked.missing))
            };
            differences.retain(|difference| !is_unasked(difference));
        }
        if differences.is_empty() && gaps.is_none() {
            return Ok(());
        }
        let nothing = Judgement::default();
        let report = Report {
            targets: self.targets,
            snapshot,
            controls: &keeper.controls(),
            judgement: &nothing,
            new: None,
            n_failing: 0,
            gates: &[],
            threshold: None,
            exit: 0,
            at: &now.at,
            elapsed_ms: None,
            not_asked: &[],
            platform: &Platform::of(snapshot),
            proven: None,
        };
        if self.check.output == Format::Json {
            printer::data(&json::change(&report, &differences, gaps.is_some()));
            return Ok(());
        }
        let shown = shown_from(self.check, &gate(self.check, &self.plan.config)?);
        let color = !self.global.no_color && printer::color();
        let style = table::Style { color, width: printer::width(), from: shown };
        printer::data(&table::changes(&report, &differences, style));
        let new = { snapshot.gaps.iter() }.filter(|gap| !gaps.is_some_and(|old| old.contains(gap)));
        for gap in new.filter(|_| gaps.is_some()) {
            printer::error(&format!("note: {}: {} ({})", gap.what, gap.reason, gap.supply));
        }
        Ok(())
    }
}
