//! The command lines of Kubernetes' own components: which program a container
//! runs, and the value of a flag as the program's flag library takes it.
//!
//! `--name=value`, `--name value` and the bare `--name`; one dash is as good as two
//! (etcd); `_` in a name is `-`; the last one wins. What stands before the program
//! (go-runner and its own flags, a shell) is left out. Settings that etcd's flags do
//! not give are looked for among its `ETCD_…` variables.

use std::borrow::Cow;

use ironhull_model::{Node, World, image};

/// Programs whose flags are known here.
const COMPONENTS: [&str; 7] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kube-proxy",
    "kubelet",
    "cloud-controller-manager",
];

/// One of these is part of each of their names.
const NAMED_ALIKE: [&str; 3] = ["kube", "etcd", "controller-manager"];

/// Programs that start the one named behind their own flags.
const WRAPPERS: [&str; 5] = ["go-runner", "tini", "dumb-init", "hyperkube", "env"];
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

/// Flags that have no effect once another one names a file that is read instead: the
/// program, its flags (none for all of them), and the other one.
const FILES: [(&str, &[&str], &str); 2] =
    [("etcd", &[], "config-file"), ("kube-scheduler", &["profiling"], "config")];

/// A container's command line.
#[derive(Clone, Debug)]
pub struct Command<'a> {
    container: Node<'a>,
    program: &'static str,
    /// The words behind the program.
    words: Vec<Word<'a>>,
}

#[derive(Clone, Debug)]
struct Word<'a> {
    text: Cow<'a, str>,
    /// The item of `command` or `args` that it is, or is part of.
    node: Node<'a>,
    /// Whether a shell reads it first.
    is_script: bool,
}

/// A flag that is given.
#[derive(Clone, Debug)]
pub struct Flag<'a> {
    /// Its value, `true` for a bare one; none when only the running container knows, or a
    /// file on the node.
    pub value: Option<String>,
    /// The item of `command` or `args`, or the variable of `env`, that gives it.
    pub node: Node<'a>,
}

/// What the manifest says of a variable.
enum Variable<'a> {
    Is(&'a str),
    /// There is none of that name.
    Nowhere,
    /// Only the running container knows.
    Elsewhere,
}

/// Whether a component's name stands anywhere where one can be started.
fn mentions_component(container: Node<'_>) -> bool {
    let command = container.get("command").filter(|command| !command.is_empty());
    let image = if command.is_none() { container.get("image") } else { None };
    let words = command.into_iter().chain(container.get("args")).flat_map(Node::items);
    let mut texts = words.chain(image).filter_map(Node::as_str);
    texts.any(|text| {
        NAMED_ALIKE.into_iter().any(|part| text.contains(part))
            && COMPONENTS.into_iter().any(|name| text.contains(name))
    })
}

/// The command lines of the API servers of a cluster, as far as their pods were read.
pub fn api_servers<'a>(world: World<'a>) -> impl Iterator<Item = Command<'a>> {
    let specs = world
        .in_namespace("", "Pod", "kube-system")
        .filter_map(|pod| pod.root().path(&["spec", "containers"]));
    let commands = specs.flat_map(Node::items).filter_map(Command::of);
    commands.filter(|command| command.program() == "kube-apiserver")
}

impl<'a> Command<'a> {
    /// The command line of a container that runs one of the known components. Most
    /// containers run none, which is seen without reading their words.
    pub fn of(container: Node<'a>) -> Option<Command<'a>> {
        if !mentions_component(container) {
            return None;
        }
        let list = |name: &str| container.get(name).into_iter().flat_map(Node::items);
        let (command, args): (Vec<_>, Vec<_>) = (list("command").collect(), list("args").collect());
        let given = command.iter().chain(&args).filter_map(|node| Some((node.as_str()?, *node)));
        let mut words: Vec<Word<'a>> = Vec::new();
        let is_shell = command.first().and_then(|node| node.as_str()).is_some_and(is_shell);
        for (text, node) in given {
            match is_shell && text.contains(char::is_whitespace) {
                true => words.extend(script(text, node)),
                false => words.push(Word { text: text.into(), node, is_script: false }),
            }
        }
        let known = |text: &str| COMPONENTS.into_iter().find(|known| *known == base(text));
        let found = words.iter().enumerate().find_map(|(at, word)| Some((at, known(&word.text)?)));
        let (program, behind) = match found {
            Some((at, program)) if is_shell || is_started(&words[..at]) => (program, at + 1),
            // The image's entry point is the program.
            _ if command.is_empty() => {
                let path = image::parse(container.get("image")?.as_str()?).path;
                (known(path)?, 0)
            }
            _ => return None,
        };
        words.drain(..behind);
        Some(Command { container, program, words })
    }

    /// The program's name, without its path.
    pub fn program(&self) -> &'static str {
        self.program
    }

    /// A flag by its name without dashes.
    pub fn flag(&self, name: &str) -> Option<Flag<'a>> {
        let file = FILES.iter().find(|(program, flags, _)| {
            *program == self.program && (flags.is_empty() || flags.contains(&name))
        });
        if let Some((_, _, file)) = file.filter(|(_, _, file)| *file != name)
            && let Some(file) = self.word(file)
        {
            return Some(Flag { value: None, node: file.node });
        }
        self.word(name)
    }

    /// Every value of a flag that may be given several times, as it stands.
    pub fn flags(&self, name: &str) -> Vec<Flag<'a>> {
        let mut flags: Vec<_> = self.given(name).collect();
        flags.reverse();
        flags
    }

    /// The items of a flag that lists some, by commas and by being given several times;
    /// none where a value is not known.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let values: Option<Vec<String>> =
            self.flags(name).into_iter().map(|flag| flag.value).collect();
        let values = values?;
        let items = values.iter().flat_map(|value| value.split(','));
        Some(items.map(|item| item.trim().to_owned()).collect())
    }

    fn word(&self, name: &str) -> Option<Flag<'a>> {
        let last = self.given(name).next();
        last.or_else(|| (self.program == "etcd").then(|| self.variable(name)).flatten())
    }

    /// Each time that a flag is given, the last first.
    fn given(&self, name: &str) -> impl Iterator<Item = Flag<'a>> {
        self.words.iter().enumerate().rev().filter_map(move |(at, word)| {
            let (found, value) = split(&word.text)?;
            if !same_name(found, name) {
                return None;
            }
            let next = self.words.get(at + 1).filter(|next| !next.text.starts_with('-'));
            let value = match (value, next) {
                (Some(value), _) => value,
                (None, Some(next)) => &*next.text,
                (None, None) => "true",
            };
            Some(Flag { value: self.expanded(value, word.is_script), node: word.node })
        })
    }

    /// etcd's `ETCD_CERT_FILE` is its `--cert-file`.
    fn variable(&self, flag: &str) -> Option<Flag<'a>> {
        let wanted = format!("ETCD_{}", flag.to_ascii_uppercase().replace('-', "_"));
        let named = |node: &Node<'a>| node.get("name").and_then(Node::as_str) == Some(&*wanted);
        let node = self.container.get("env")?.items().find(named)?;
        let value = node.get("value").and_then(Node::as_str).map(str::to_owned);
        let is_elsewhere = node.get("valueFrom").is_some();
        Some(Flag { value: if is_elsewhere { None } else { value }, node })
    }

    /// A value with `$(NAME)` replaced as the kubelet does
    /// (k8s.io/kubernetes third_party/forked/golang/expansion): `$$` is `$`, and what names
    /// no variable stays as it is. None where that needs more than the manifest, or
    /// where a shell expands what is left.
    fn expanded(&self, value: &str, is_script: bool) -> Option<String> {
        let mut rest = value;
        let mut all = String::new();
        while let Some((before, after)) = rest.split_once('$') {
            all.push_str(before);
            if let Some(behind) = after.strip_prefix('$') {
                all.push('$');
                rest = behind;
                continue;
            }
            let named = after.strip_prefix('(').and_then(|after| after.split_once(')'));
            if let Some((name, behind)) = named {
                match self.value_of(name) {
                    Variable::Is(value) => {
                        all.push_str(value);
                        rest = behind;
                        continue;
                    }
                    Variable::Elsewhere => return None,
                    Variable::Nowhere => {}
                }
            }
            all.push('$');
            rest = after;
        }
        all.push_str(rest);
        (!is_script || !all.contains('$')).then_some(all)
    }

    fn value_of(&self, name: &str) -> Variable<'a> {
        let env = self.container.get("env").into_iter().flat_map(Node::items);
        let mut named = env.filter(|node| node.get("name").and_then(Node::as_str) == Some(name));
        let Some(variable) = named.next_back() else {
            // Services of the namespace have variables, and so have sources of all of them.
            let is_of_service = name.contains("_SERVICE_") || name.contains("_PORT");
            let is_elsewhere = self.container.get("envFrom").is_some() || is_of_service;
            return if is_elsewhere { Variable::Elsewhere } else { Variable::Nowhere };
        };
        let value = variable.get("value").and_then(Node::as_str).unwrap_or_default();
        // It may name further variables.
        if variable.get("valueFrom").is_some() || value.contains('$') {
            return Variable::Elsewhere;
        }
        Variable::Is(value)
    }
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_shell(word: &str) -> bool {
    SHELLS.contains(&base(word))
}

/// Whether what stands before a program only starts it.
fn is_started(before: &[Word<'_>]) -> bool {
    let starts =
        |word: &Word<'_>| word.text.starts_with('-') || WRAPPERS.contains(&base(&word.text));
    before.iter().all(starts)
}

/// The words of a shell's script without quotes, and without redirections.
fn script<'a>(text: &'a str, node: Node<'a>) -> impl Iterator<Item = Word<'a>> {
    let words = text.split_whitespace().filter(|word| !word.contains(['>', '<', '|', '&']));
    words.map(move |word| {
        let is_quoted = word.contains(['"', '\'']);
        let text = if is_quoted { word.replace(['"', '\''], "").into() } else { word.into() };
        Word { text, node, is_script: true }
    })
}

/// A flag's name and the value that stands in the same word.
fn split(word: &str) -> Option<(&str, Option<&str>)> {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
    Some(name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value))))
}

fn same_name(found: &str, name: &str) -> bool {
    let plain = |byte: u8| if byte == b'_' { b'-' } else { byte };
    found.len() == name.len() && found.bytes().map(plain).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::Command;
    use ironhull_model::Value;

    fn ask(json: &str, flag: &str) -> Option<(Option<String>, String)> {
        let value: Value = serde_json::from_str(json).unwrap();
        let flag = Command::of(value.root())?.flag(flag)?;
        Some((flag.value, flag.node.pointer().to_string()))
    }

    fn given(value: &str, at: &str) -> Option<(Option<String>, String)> {
        Some((Some(value.to_owned()), at.to_owned()))
    }

    #[test]
    fn the_last_one_wins_however_it_is_written() {
        let json = r#"{"command":["/usr/bin/kube-apiserver","--a=1","--b","2","--c","--d_e=x=y","--a=3"],"args":["--f"]}"#;
        assert_eq!(ask(json, "a"), given("3", "/command/6"));
        assert_eq!(ask(json, "b"), given("2", "/command/2"));
        assert_eq!(ask(json, "c"), given("true", "/command/4"));
        assert_eq!(ask(json, "d-e"), given("x=y", "/command/5"));
        assert_eq!(ask(json, "f"), given("true", "/args/0"));
        assert_eq!(ask(json, "g"), None);
    }

    #[test]
    fn what_starts_the_program_is_left_out() {
        let runner =
            r#"{"command":["/go-runner","--log-file=/x","kube-scheduler","--bind-address=::1"]}"#;
        assert_eq!(ask(runner, "bind-address"), given("::1", "/command/3"));
        assert_eq!(ask(runner, "log-file"), None);
        let shell = r#"{"command":["/bin/sh","-c","exec /x/kube-apiserver --a=\"b\" --c d --e 1>>/log 2>&1"]}"#;
        assert_eq!(ask(shell, "a"), given("b", "/command/2"));
        assert_eq!(ask(shell, "e"), given("true", "/command/2"));
        assert_eq!(ask(shell, "c"), given("d", "/command/2"));
        let image = r#"{"image":"registry.k8s.io/kube-apiserver:v1.37.1","args":["--a=b"]}"#;
        assert_eq!(ask(image, "a"), given("b", "/args/0"));
    }

    #[test]
    fn other_programs_are_none() {
        for json in [
            r#"{"command":["kubectl","logs","kube-apiserver","--a=b"]}"#,
            r#"{"image":"registry.k8s.io/kube-apiserver","command":["sleep"],"args":["--a=b"]}"#,
            r#"{"image":"example/etcd-backup","args":["--a=b"]}"#,
            r#"{"command":[]}"#,
        ] {
            assert_eq!(ask(json, "a"), None, "{json}");
        }
    }

    #[test]
    fn etcd_is_set_by_variables_too() {
        let json = r#"{"command":["etcd","-a=1"],"env":[{"name":"ETCD_A","value":"2"},{"name":"ETCD_B_C","value":"3"},{"name":"ETCD_D","valueFrom":{}}]}"#;
        assert_eq!(ask(json, "a"), given("1", "/command/1"));
        assert_eq!(ask(json, "b-c"), given("3", "/env/1"));
        assert_eq!(ask(json, "d"), Some((None, "/env/2".to_owned())));
        assert_eq!(ask(&json.replace("\"etcd\"", "\"kube-apiserver\""), "b-c"), None);
    }

    #[test]
    fn a_file_takes_the_place_of_flags() {
        let json = r#"{"command":["etcd","--a=1","--config-file=/f"],"env":[{"name":"ETCD_B","value":"2"}]}"#;
        assert_eq!(ask(json, "a"), Some((None, "/command/2".to_owned())));
        assert_eq!(ask(json, "b"), Some((None, "/command/2".to_owned())));
        assert_eq!(ask(json, "config-file"), given("/f", "/command/2"));
        let json = r#"{"command":["kube-scheduler","--config=/f","--bind-address=::1"]}"#;
        assert_eq!(ask(json, "profiling"), Some((None, "/command/1".to_owned())));
        assert_eq!(ask(json, "bind-address"), given("::1", "/command/2"));
    }

    #[test]
    fn what_only_the_running_container_knows_is_not_known() {
        let json = r#"{"command":["etcd","--a=$(HOST):1","--b=$(POD)","--c=$X$$(HOST)$(","--d=$(KUBERNETES_SERVICE_HOST)","--e=$(NOBODY)","--f=$(TWO)"],"env":[{"name":"HOST","value":"h"},{"name":"POD","valueFrom":{}},{"name":"TWO","value":"$(HOST)"}]}"#;
        assert_eq!(ask(json, "a"), given("h:1", "/command/1"));
        assert_eq!(ask(json, "b"), Some((None, "/command/2".to_owned())));
        // Nobody but the kubelet reads these.
        assert_eq!(ask(json, "c"), given("$X$(HOST)$(", "/command/3"));
        assert_eq!(ask(json, "e"), given("$(NOBODY)", "/command/5"));
        for (flag, at) in [("d", 4), ("f", 6)] {
            assert_eq!(ask(json, flag), Some((None, format!("/command/{at}"))), "{flag}");
        }
        let from = json.replace("\"env\":", "\"envFrom\":[{}],\"env\":");
        assert_eq!(ask(&from, "e"), Some((None, "/command/5".to_owned())));
        let shell = r#"{"command":["sh","-c","etcd --a=$(HOST) --b=$X"],"env":[{"name":"HOST","value":"h"}]}"#;
        assert_eq!(ask(shell, "a"), given("h", "/command/2"));
        assert_eq!(ask(shell, "b"), Some((None, "/command/2".to_owned())));
    }
}
