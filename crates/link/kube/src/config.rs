//! Where the API server is and who asks: kubeconfigs, or the pod's own ServiceAccount.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

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
    let wanted = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let no_config = |error: &(dyn std::error::Error + 'static)| Error::Config(chain(error));
    let named = |kubeconfig: &Kubeconfig| {
        let context = options.context.as_ref().or(kubeconfig.current_context.as_ref());
        context.cloned().unwrap_or_default()
    };
    if let Some(path) = &options.kubeconfig {
        let kubeconfig = read(path)?;
        has_context(&kubeconfig, options)?;
        let context = named(&kubeconfig);
        let made = Config::from_custom_kubeconfig(kubeconfig, &wanted).await;
        return made.map(|config| (config, context)).map_err(|error| no_config(&error));
    }
    let kubeconfig = of_environment()?;
    kubeconfig.iter().try_for_each(|kubeconfig| has_context(kubeconfig, options))?;
    let context = kubeconfig.as_ref().map(named).unwrap_or_default();
    let made = match &options.context {
        Some(_) => Config::from_kubeconfig(&wanted).await.map_err(|error| no_config(&error)),
        None => Config::infer().await.map_err(|error| no_config(&error)),
    };
    Ok((made?, context))
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

/// The contexts of what the environment names as kubeconfigs.
fn of_environment() -> Result<Option<Kubeconfig>, Error> {
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    for path in std::env::split_paths(&named).filter(|path| path.exists()) {
        bounded(&path)?;
    }
    Ok(Kubeconfig::read().ok())
}

/// An address without the user and the password that may stand in it.
pub(crate) fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}
