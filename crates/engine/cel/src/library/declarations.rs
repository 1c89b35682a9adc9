//! What exists since which Kubernetes minor: overloads and macros.
//!
//! The table is text (`declarations.txt`), read when an environment is built. A
//! test compares it with the API server's environment of every minor.

/// A declared type: a name with parameters. A name such as `<A>` is a type parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DeclaredType {
    /// `int`, `list`, `google.protobuf.Duration`, `kubernetes.Quantity`, `<A>`.
    pub(crate) name: &'static str,
    /// Of a list its element, of a map key and value, of an optional or type its content.
    pub(crate) parameters: Vec<DeclaredType>,
}

impl DeclaredType {
    /// Whether it stands for any type, the same wherever it is named.
    pub(crate) fn is_parameter(&self) -> bool {
        self.name.starts_with('<')
    }
}

/// One overload of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Overload {
    /// The Kubernetes minor that brought it; 28 for what is older.
    pub(crate) since: u32,
    /// The last minor that has it in this place.
    pub(crate) until: u32,
    /// Whether it is called on its first argument.
    pub(crate) is_method: bool,
    /// Whether only expressions of mutations have it.
    pub(crate) is_of_patches: bool,
    /// The function's name in expressions; operators are `_+_`, `@in`, `_?_:_`.
    pub(crate) function: &'static str,
    /// Its own name.
    pub(crate) id: &'static str,
    /// With the receiver first.
    pub(crate) arguments: Vec<DeclaredType>,
    /// What it returns.
    pub(crate) result: DeclaredType,
}

/// One macro.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Macro {
    /// The Kubernetes minor that brought it; 28 for what is older.
    pub(crate) since: u32,
    /// Whether it is called on a receiver.
    pub(crate) is_method: bool,
    /// Its name.
    pub(crate) name: &'static str,
    /// Without the receiver.
    pub(crate) n_arguments: usize,
}

/// Everything that is declared, of all minors.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Declarations {
    /// Overloads of one function stand together, in the order in which they are tried.
    pub(crate) overloads: Vec<Overload>,
    /// The macros.
    pub(crate) macros: Vec<Macro>,
}

impl Declarations {
    /// What a Kubernetes minor knows in any expression.
    pub(crate) fn of_minor(minor: u32) -> Declarations {
        let mut declarations = Declarations::default();
        for line in include_str!("declarations.txt").lines() {
            declarations.read(line, minor);
        }
        declarations.overloads.retain(|overload| !overload.is_of_patches);
        declarations
    }

    /// The minor since which a function or macro of that name exists, for
    /// messages such as "works only from 1.37".
    pub(crate) fn first_minor(name: &str) -> Option<u32> {
        let mut lines = include_str!("declarations.txt").lines();
        let line = lines.find(|line| {
            let mut fields = line.split(' ').skip(1);
            fields.next() != Some("patch-function") && fields.next() == Some(name)
        })?;
        line.get(..2)?.parse().ok()
    }

    /// The overloads of all minors.
    pub(crate) fn all() -> Vec<Overload> {
        let mut declarations = Declarations::default();
        for line in include_str!("declarations.txt").lines() {
            declarations.read_if(line, |_, _| true);
        }
        declarations.overloads
    }

    fn read(&mut self, line: &'static str, minor: u32) -> Option<()> {
        self.read_if(line, |since, until| since <= minor && minor <= until)
    }

    fn read_if(&mut self, line: &'static str, wanted: impl Fn(u32, u32) -> bool) -> Option<()> {
        let mut fields = line.splitn(4, ' ');
        let (since, until) = match fields.next()?.split_once('-') {
            Some((since, until)) => (since.parse().ok()?, until.parse().ok()?),
            None => (line.split(' ').next()?.parse().ok()?, u32::MAX),
        };
        let (kind, name, rest) = (fields.next()?, fields.next()?, fields.next()?);
        if !wanted(since, until) {
            return None;
        }
        let (is_method, is_of_patches) = (kind.starts_with("method"), kind.starts_with("patch"));
        if kind.ends_with("macro") {
            self.macros.push(Macro { since, is_method, name, n_arguments: rest.parse().ok()? });
            return Some(());
        }
        let (id, signature) = rest.split_once(" (")?;
        let (arguments, rest) = parse_types(signature);
        let (mut result, _) = parse_types(rest.trim_start());
        self.overloads.push(Overload {
            since,
            until,
            is_method,
            is_of_patches,
            function: name,
            id,
            arguments,
            result: result.pop()?,
        });
        Some(())
    }
}

/// Types separated by commas up to a closing parenthesis, and what follows it.
fn parse_types(text: &'static str) -> (Vec<DeclaredType>, &'static str) {
    let mut types = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(['(', ')', ',']).unwrap_or(rest.len());
        let name = rest[..end].trim();
        let mut parameters = Vec::new();
        rest = &rest[end..];
        if let Some(inner) = rest.strip_prefix('(') {
            (parameters, rest) = parse_types(inner);
        }
        if !name.is_empty() {
            types.push(DeclaredType { name, parameters });
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return (types, rest.strip_prefix(')').unwrap_or(rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use ironhull_testkit::oracle::{Case, check};

    use super::*;

    fn shown(declared: &DeclaredType) -> String {
        if declared.parameters.is_empty() {
            return declared.name.to_owned();
        }
        format!("{}({})", declared.name, shown_all(&declared.parameters))
    }

    fn shown_all(types: &[DeclaredType]) -> String {
        types.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// As the oracle lists an environment.
    fn listed(declarations: &Declarations) -> String {
        let mut lines = Vec::new();
        let (mut function, mut index) = ("", 0);
        for overload in &declarations.overloads {
            index = if overload.function == function { index + 1 } else { 0 };
            function = overload.function;
            let mut line = String::new();
            let kind = if overload.is_method { "method" } else { "function" };
            let arguments = shown_all(&overload.arguments);
            let result = shown(&overload.result);
            _ = write!(line, "{function} {index:02} {kind} {} ({arguments}) {result}", overload.id);
            lines.push(line);
        }
        lines.extend(declarations.macros.iter().map(|declared| {
            format!("macro {}:{}:{}", declared.name, declared.n_arguments, declared.is_method)
        }));
        lines.sort();
        lines.join(";")
    }

    #[test]
    fn every_minor_equals_the_api_server() {
        let cases: Vec<Case> = (28..=37)
            .map(|minor| {
                let declarations = Declarations::of_minor(minor);
                println!(
                    "1.{minor}: {} overloads, {} macros",
                    declarations.overloads.len(),
                    declarations.macros.len()
                );
                Case {
                    input: format!(r#"{{"minor":{minor},"expr":"","declarations":true}}"#),
                    ours: format!(
                        r#"{{"accept":true,"result":"{}","error":"","cost":0}}"#,
                        listed(&declarations)
                    ),
                }
            })
            .collect();
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/declarations");
        check(&golden, "cel", &cases);
    }

    #[test]
    fn first_minors() {
        for (name, minor) in [
            ("includes", Some(37)),
            ("sortBy", Some(34)),
            ("transformMap", Some(32)),
            ("format", Some(29)),
            ("first", Some(28)),
            ("reverse", Some(34)),
            ("bind", None),
        ] {
            assert_eq!(Declarations::first_minor(name), minor, "{name}");
        }
    }
}
