//! Where the API server is and who asks: kubeconfigs, or the pod's own ServiceAccount.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use kube_client::Config;
use kube_client::config::{KubeConfigOptions, Kubeconfig};

use crate::said::chain;
use crate::{Error, Options};

/// A kubeconfig of thousands of clusters is shorter.
const LONGEST_KUBECONFIG: u64 = 64 << 20;
/// Contexts that are named where the one asked for is not there.
const MOST_NAMED: usize = 10;

/// The configuration, and the name of its context; inside a pod that has none.
pub(crate) async fn configuration(options: &Options) -> Result<(Config, String), Error> {
    let paths = match &options.kubeconfig {
        Some(path) => vec![path.clone()],
        None => of_environment(),
    };
    let kubeconfig = match &options.kubeconfig {
        Some(path) => Some(read(path)?),
        None => merged(&paths)?,
    };
    let Some(kubeconfig) = kubeconfig else {
        let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        let none = format!("there is no kubeconfig at {}", shown.join(", "));
        if let Some(context) = &options.context {
            return Err(Error::Config(format!("no context {context}: {none}")));
        }
        let made = Config::incluster();
        return made
            .map(|config| (config, String::new()))
            .map_err(|error| Error::Config(format!("{none}, and no pod: {}", chain(&error))));
    };
    has_context(&kubeconfig, options)?;
    let context = options.context.clone().or_else(|| kubeconfig.current_context.clone());
    let wanted = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let made = Config::from_custom_kubeconfig(kubeconfig, &wanted).await;
    made.map(|config| (config, context.unwrap_or_default()))
        .map_err(|error| Error::Config(chain(&error)))
}

/// Where kubeconfigs are looked for: `$KUBECONFIG`, a list, or the user's own.
fn of_environment() -> Vec<PathBuf> {
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let named: Vec<PathBuf> =
        std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    if !named.is_empty() {
        return named;
    }
    std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect()
}

/// Kubeconfigs as one, as kubectl merges them: what is not there is passed over. None
/// when they say nothing.
fn merged(paths: &[PathBuf]) -> Result<Option<Kubeconfig>, Error> {
    let mut all: Option<Kubeconfig> = None;
    for path in paths.iter().filter(|path| path.exists()) {
        let next = read(path)?;
        all = Some(match all {
            Some(first) => first.merge(next).map_err(|error| Error::Config(chain(&error)))?,
            None => next,
        });
    }
    Ok(all.filter(|all| !(all.contexts.is_empty() && all.clusters.is_empty())))
}

/// Refuses a context that is asked for and not there, with those that are.
fn has_context(kubeconfig: &Kubeconfig, options: &Options) -> Result<(), Error> {
    let Some(asked) = &options.context else { return Ok(()) };
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| &*context.name).collect();
    if names.contains(&asked.as_str()) {
        return Ok(());
    }
    let few = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    let there = match names.len() {
        0 => "the kubeconfig has none".to_owned(),
        n if n > MOST_NAMED => format!("there are {few} and {} more", n - MOST_NAMED),
        _ => format!("there are {few}"),
    };
    Err(Error::Config(format!("no context {asked}: {there}")))
}

fn read(path: &Path) -> Result<Kubeconfig, Error> {
    bounded(path)?;
    Kubeconfig::read_from(path).map_err(|error| Error::Config(chain(&error)))
}

/// Refuses what has no end, or is no kubeconfig by its size. A pipe may hold one.
fn bounded(path: &Path) -> Result<(), Error> {
    let shown = path.display();
    let about = std::fs::metadata(path)
        .map_err(|error| Error::Config(format!("failed to read {shown}: {error}")))?;
    let kind = about.file_type();
    let is_device = kind.is_char_device() || kind.is_block_device();
    if is_device && path != Path::new("/dev/null") {
        return Err(Error::Config(format!("{shown} is a device, no kubeconfig")));
    }
    match about.len() > LONGEST_KUBECONFIG {
        true => Err(Error::Config(format!("{shown} is larger than {LONGEST_KUBECONFIG} bytes"))),
        false => Ok(()),
    }
}

/// An address without the user and the password that may stand in it.
pub(crate) fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}
