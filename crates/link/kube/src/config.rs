//! Where the API server is and who asks: kubeconfigs, or the pod's own ServiceAccount.

use std::path::{Path, PathBuf};

use ironhull_model::base64;
use kube_client::Config;
use kube_client::config::{KubeConfigOptions, Kubeconfig};

use crate::files::{self, LONGEST_CERTIFICATES, LONGEST_KUBECONFIG};
use crate::said::chain;
use crate::{Error, Options};

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
    let Some(mut kubeconfig) = kubeconfig else {
        let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        let none = format!("there is no kubeconfig at {}", shown.join(", "));
        if let Some(context) = &options.context {
            return Err(Error::Config(format!("no context {context}: {none}")));
        }
        return in_pod()
            .map(|config| (config, String::new()))
            .map_err(|why| Error::Config(format!("{none}, and no pod: {why}")));
    };
    let context = context_of(&kubeconfig, options).map_err(Error::Config)?;
    take_in_files(&mut kubeconfig, &context).map_err(Error::Config)?;
    let wanted = KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let made = Config::from_custom_kubeconfig(kubeconfig, &wanted).await;
    made.map(|config| (config, context)).map_err(|error| Error::Config(chain(&error)))
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

/// The context that is asked for, else the current one. One that is not there is told with
/// those that are, and one that leads nowhere with what lacks.
fn context_of(kubeconfig: &Kubeconfig, options: &Options) -> Result<String, String> {
    let current = || kubeconfig.current_context.clone().filter(|name| !name.is_empty());
    let Some(name) = options.context.clone().or_else(current) else {
        return Err(format!("the kubeconfig has no current-context: {}", contexts(kubeconfig)));
    };
    let Some(named) = kubeconfig.contexts.iter().find(|context| context.name == name) else {
        return Err(format!("no context {name}: {}", contexts(kubeconfig)));
    };
    let Some(context) = &named.context else { return Err(format!("the context {name} is empty")) };
    let lacks = |what, of: &str| {
        Err(format!(
            "the context {name} is of the {what} {of:?}, which the kubeconfig does not have"
        ))
    };
    if !kubeconfig.clusters.iter().any(|cluster| cluster.name == context.cluster) {
        return lacks("cluster", &context.cluster);
    }
    let user = context.user.as_deref().unwrap_or_default();
    if !user.is_empty() && !kubeconfig.auth_infos.iter().any(|known| known.name == user) {
        return lacks("user", user);
    }
    Ok(name)
}

/// The contexts that there are.
fn contexts(kubeconfig: &Kubeconfig) -> String {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| &*context.name).collect();
    let few = names.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "the kubeconfig has none".to_owned(),
        n if n > MOST_NAMED => format!("there are {few} and {} more", n - MOST_NAMED),
        _ => format!("there are {few}"),
    }
}

/// A kubeconfig, whose paths are relative to where it is.
fn read(path: &Path) -> Result<Kubeconfig, Error> {
    let text = files::text(path, LONGEST_KUBECONFIG).map_err(Error::Config)?;
    let mut read = Kubeconfig::from_yaml(&text).map_err(|error| Error::Config(chain(&error)))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let place = |named: &mut Option<String>| {
        if let Some(path) = named.as_mut().filter(|path| !path.is_empty())
            && let Some(there) = folder.join(&*path).to_str()
        {
            there.clone_into(path);
        }
    };
    for cluster in read.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
        place(&mut cluster.certificate_authority);
    }
    for user in read.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        place(&mut user.client_certificate);
        place(&mut user.client_key);
        place(&mut user.token_file);
        // A bare name is looked for on `PATH`.
        if let Some(exec) = &mut user.exec
            && exec.command.as_ref().is_some_and(|command| command.contains('/'))
        {
            place(&mut exec.command);
        }
    }
    Ok(read)
}

/// Puts what stands in files of the context's cluster and user in their place, so that
/// nobody else reads these. What is there already counts before them.
fn take_in_files(kubeconfig: &mut Kubeconfig, context: &str) -> Result<(), String> {
    let named = kubeconfig.contexts.iter().find(|named| named.name == context);
    let Some(context) = named.and_then(|named| named.context.clone()) else { return Ok(()) };
    let of_file = |named: &Option<String>| -> Result<_, String> {
        match named.as_deref() {
            None | Some("") => Ok(None),
            Some(path) => {
                let bytes = files::read(Path::new(path), LONGEST_CERTIFICATES)?;
                Ok(Some(base64::encode(&bytes)))
            }
        }
    };
    let clusters = kubeconfig.clusters.iter_mut().filter(|named| named.name == context.cluster);
    for cluster in clusters.filter_map(|named| named.cluster.as_mut()) {
        if cluster.certificate_authority_data.is_none() {
            cluster.certificate_authority_data = of_file(&cluster.certificate_authority)?;
        }
        cluster.certificate_authority = None;
    }
    let users = kubeconfig.auth_infos.iter_mut();
    let users = users.filter(|named| Some(&named.name) == context.user.as_ref());
    for user in users.filter_map(|named| named.auth_info.as_mut()) {
        if user.client_certificate_data.is_none() {
            user.client_certificate_data = of_file(&user.client_certificate)?;
        }
        if user.client_key_data.is_none() {
            user.client_key_data = of_file(&user.client_key)?.map(Into::into);
        }
        (user.client_certificate, user.client_key) = (None, None);
    }
    Ok(())
}

/// What a pod has of its ServiceAccount.
fn in_pod() -> Result<Config, String> {
    let folder = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
    for path in ["ca.crt", "namespace"].map(|name| folder.join(name)) {
        if path.exists() {
            files::read(&path, LONGEST_CERTIFICATES)?;
        }
    }
    Config::incluster().map_err(|error| chain(&error))
}

/// An address as it may be shown: without the user and the password that may stand in it,
/// and without a query, which clients leave out too (client-go `NewRESTClient`).
pub(crate) fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}

#[cfg(test)]
mod tests {
    use kube_client::config::Kubeconfig;

    use super::{context_of, shown};
    use crate::Options;

    #[test]
    fn a_context_that_leads_nowhere_says_what_lacks() {
        let of = |text: &str, asked: Option<&str>| {
            let kubeconfig = Kubeconfig::from_yaml(text).unwrap();
            let options = Options { context: asked.map(str::to_owned), ..Options::default() };
            context_of(&kubeconfig, &options)
        };
        let context = "contexts: [{name: a, context: {cluster: c, user: u}}, {name: b}]\n";
        let whole = format!("{context}clusters: [{{name: c}}]\nusers: [{{name: u}}]\n");
        assert_eq!(of(&whole, Some("a")).as_deref(), Ok("a"));
        let lacks =
            |what| format!("the context a is of the {what}, which the kubeconfig does not have");
        for (text, asked, said) in [
            (&*whole, None, "the kubeconfig has no current-context: there are a, b"),
            ("", None, "the kubeconfig has no current-context: the kubeconfig has none"),
            ("current-context: x\n", None, "no context x: the kubeconfig has none"),
            (&whole, Some("x"), "no context x: there are a, b"),
            (&whole, Some("b"), "the context b is empty"),
            (context, Some("a"), &lacks("cluster \"c\"")),
            (&format!("{context}clusters: [{{name: c}}]\n"), Some("a"), &lacks("user \"u\"")),
        ] {
            assert_eq!(of(text, asked).unwrap_err(), said);
        }
    }

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        for (address, said) in [
            ("https://a:6443", "https://a:6443"),
            ("https://u:p@a/k8s?token=x", "https://a/k8s"),
            ("https://a/?p=q@r/#s", "https://a/"),
            ("a?b", "a"),
        ] {
            assert_eq!(shown(address), said, "{address}");
        }
    }
}
