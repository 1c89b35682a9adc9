//! Settings: flags over `IRONHULL_*` over `ironhull.yaml` found upward.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ironhull_controls::reader::{self, Reader};
use ironhull_model::{Code, Minor, SourceId};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::args::Global;
use crate::estate::{dump, saved};

/// What `ironhull.yaml` may say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// `complete: true`: the estate's directory holds everything there is, and the
    /// targets take in that directory.
    pub(crate) complete: bool,
    /// `kubernetes: "1.37"`.
    pub(crate) kubernetes: Option<String>,
    /// `failOn: high`.
    pub(crate) fail_on: Option<String>,
    /// `only: […]`.
    pub(crate) only: Vec<String>,
    /// `controls: […]`: own control files or directories, relative to the file.
    pub(crate) controls: Vec<PathBuf>,
    /// `packs: […]`: the packs of by-design exceptions that apply; all when it is
    /// not said, none when it is empty.
    pub(crate) packs: Option<Vec<String>>,
    /// `owner: NAME`: who owns what nobody else owns.
    pub(crate) owner: Option<String>,
}

/// Reads the named file, or the nearest `ironhull.yaml` from the first target upward.
pub(crate) fn load(global: &Global, targets: &[String]) -> anyhow::Result<Config> {
    let start = targets.first().map_or(".", |target| target.as_str());
    let is_path = start != "-"
        && !["cluster:", dump::SCHEME, saved::SCHEME]
            .iter()
            .any(|scheme| start.starts_with(scheme));
    let start = if is_path { Path::new(start) } else { Path::new(".") };
    let Some(path) = global.config.clone().or_else(|| find(start)) else {
        return Ok(Config::default());
    };
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let mut config = parse(&path, &text)?;
    // One file of a complete estate is a fragment: what it does not hold may stand beside it.
    config.complete &= global.config.is_some() || take_in(targets, path.parent());
    Ok(config)
}

/// Whether one of the targets is a directory, or lies above it.
fn take_in(targets: &[String], directory: Option<&Path>) -> bool {
    let Some(directory) = directory.and_then(|path| path.canonicalize().ok()) else {
        return false;
    };
    let is_above = |target: &String| {
        Path::new(target).canonicalize().is_ok_and(|target| directory.starts_with(target))
    };
    targets.iter().any(is_above) || targets.is_empty() && is_above(&".".to_owned())
}

fn find(start: &Path) -> Option<PathBuf> {
    let start = start.canonicalize().ok()?;
    start.ancestors().map(|folder| folder.join("ironhull.yaml")).find(|path| path.is_file())
}

fn parse(path: &Path, text: &str) -> anyhow::Result<Config> {
    let parsed = ironhull_yaml::parse(SourceId(0), text, &ironhull_yaml::Limits::default());
    let mut diagnostics = parsed.diagnostics;
    let mut config = Config::default();
    let folder = path.parent().unwrap_or(Path::new("."));
    if let Some(document) = parsed.documents.first() {
        let mut reader =
            Reader::new(document.value.root(), SourceId(0), Code::ConfigInvalid, &mut diagnostics);
        if let Some(complete) = reader.get("complete") {
            match complete.as_bool() {
                Some(complete) => config.complete = complete,
                None => reader.wrong(complete, "complete must be true or false"),
            }
        }
        // As written: 1.30 without quotes is the number 1.3.
        let written = |node: ironhull_model::Node<'_>| {
            let span = node.span().unwrap_or_default();
            let text = text.get(span.start as usize..span.end as usize);
            text.filter(|_| node.as_f64().is_some()).map_or_else(|| node.display(), str::to_owned)
        };
        config.kubernetes = reader.get("kubernetes").map(written);
        config.fail_on = reader.str("failOn").map(str::to_owned);
        config.owner = reader.str("owner").map(str::to_owned);
        config.only = reader.strs("only").into_iter().map(str::to_owned).collect();
        config.controls =
            reader.strs("controls").into_iter().map(|path| folder.join(path)).collect();
        if let Some(node) = reader.get("packs") {
            let names: Vec<String> = reader.strs("packs").into_iter().map(str::to_owned).collect();
            let known: Vec<&str> =
                ironhull_catalogue::packs().iter().map(|pack| &*pack.name).collect();
            for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
                let hint = ironhull_controls::reader::nearest(name, &known)
                    .map_or_else(String::new, |nearest| format!("; did you mean {nearest:?}?"));
                reader.wrong(node, format!("there is no pack {name:?}{hint}"));
            }
            config.packs = Some(names);
        }
        reader.finish();
    }
    if let Some(second) = parsed.documents.get(1) {
        let told = "a second document: a configuration is one document, and what stands here would not count";
        let root = second.value.root();
        diagnostics.push(reader::diagnostic(Code::ConfigInvalid, SourceId(0), root, told));
    }
    if let Some(first) = diagnostics.first() {
        let source = ironhull_model::Source::new(path.display().to_string(), text.to_owned());
        let at = first.place.map(|place| source.position(place.start));
        let line = at.map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
        bail!("{}{line}: {} [{}]", path.display(), first.message, first.code);
    }
    Ok(config)
}

/// The minor to judge for, and whether it was assumed.
pub(crate) fn minor(flag: Option<&str>, config: &Config) -> anyhow::Result<(Minor, bool)> {
    // An empty variable in the environment is none.
    let Some(text) = flag.filter(|text| !text.is_empty()).or(config.kubernetes.as_deref()) else {
        return Ok((Minor::NEWEST, true));
    };
    let minor: Minor = text.parse()?;
    if minor.major != 1 || minor.minor < 20 || minor > Minor::NEWEST {
        bail!(
            "Kubernetes {minor} is not known to this version of ironhull; it knows 1.20 to {}",
            Minor::NEWEST
        );
    }
    Ok((minor, false))
}

/// The time to judge as of: `--at`, else now. RFC 3339, and the day.
pub(crate) fn now(global: &Global) -> anyhow::Result<(String, Date)> {
    let time = match &global.at {
        None => Timestamp::now(),
        Some(text) => self::time(text)?,
    };
    let seconds = Timestamp::from_second(time.as_second())?;
    Ok((seconds.to_string(), seconds.to_zoned(TimeZone::UTC).date()))
}

/// A moment, or the start of a day in UTC.
pub(crate) fn time(text: &str) -> anyhow::Result<Timestamp> {
    match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => Ok(day.to_zoned(TimeZone::UTC)?.timestamp()),
        _ => text
            .parse::<Timestamp>()
            .with_context(|| format!("the time {text:?} is neither RFC 3339 nor YYYY-MM-DD")),
    }
}
