//! Secrets in command lines and headers: `--password=…`, `--token …`, `NAME=…`,
//! `Authorization: Bearer …`.

use crate::name::{by_name, names};

/// Whether an argument holds a secret; `before` is the argument that it follows.
/// One argument may be a whole script.
pub(crate) fn in_argument(before: Option<&str>, text: &str) -> Option<&'static str> {
    // Most arguments are one word, and most scripts set nothing.
    let mut before = before;
    for word in text.split_ascii_whitespace().map(|word| word.trim_matches(['"', '\'', ';', ','])) {
        if assigned(word) || before.is_some_and(|flag| follows(flag, word)) {
            return Some("argument");
        }
        before = Some(word);
    }
    in_header_line(text)
}

/// `--name=value`, `name=value`, and what stands behind such a name once more, as in
/// `--from-literal=password=value`.
fn assigned(word: &str) -> bool {
    let mut rest = word;
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_start_matches('-');
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(is_name) {
            return false;
        }
        if is_secret(name, value) {
            return true;
        }
        rest = value;
    }
    false
}

/// The value of a flag that stands before it.
fn follows(flag: &str, word: &str) -> bool {
    flag.strip_prefix('-').is_some_and(|flag| {
        let name = flag.trim_start_matches('-');
        !name.contains('=') && !word.starts_with('-') && is_secret(name, word)
    })
}

/// Whether a value that is set under a name is a secret, and not the name of one.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']);
    by_name(name, value)
        && !(names(name, &["secret", "credential", "credentials"]) && refers(value))
}

/// Whether a value is rather the name of a Secret than one: `shop/tls-cert`.
fn refers(value: &str) -> bool {
    let is_name = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'/')
    };
    value.contains(['-', '/', '.']) && value.bytes().all(is_name)
}

/// `Authorization: Bearer …` in a command line.
fn in_header_line(text: &str) -> Option<&'static str> {
    let (name, rest) = text.split_once(": ")?;
    let name = name.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next()?;
    let value = rest.split(['"', '\'']).next()?;
    in_header(name, value)
}

/// Whether the value of a header is a credential: `Bearer …`, `Basic …`.
pub(crate) fn in_header(name: &str, value: &str) -> Option<&'static str> {
    let (scheme, credential) = value.trim().split_once(' ')?;
    let known = ["basic", "bearer", "token", "apikey", "digest"];
    let is_known = known.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let names_it = names(name, &["authorization"]);
    (names_it && is_known && by_name("token", credential.trim())).then_some("authorization")
}

#[cfg(test)]
mod tests {
    use super::{in_argument, in_header};

    #[test]
    fn command_lines_with_secrets_are_told_from_those_that_refer_to_them() {
        for (before, text) in [
            (None, "--password=hunter2"),
            (None, "-password='hunter2'"),
            (Some("-e"), "DB_PASSWORD=hunter2"),
            (Some("--token"), "s3cr3tvalue"),
            (None, "--from-literal=password=hunter2"),
            (None, "mysqladmin ping --password=hunter2 -h db"),
            (None, "vault login --token s3cr3tvalue"),
            (None, "--client-secret=0f9a8b7c6d"),
            (None, "-Dspring.datasource.password=hunter2!"),
            (None, "java -Ddb.pass=hunter2! -jar a.jar"),
            (None, "--db-pass=hunter2!"),
        ] {
            assert_eq!(in_argument(before, text), Some("argument"), "{before:?} {text}");
        }
        let header = "curl -H \"Authorization: Bearer 0f9a8b7c\" http://a";
        assert_eq!(in_argument(None, header), Some("authorization"));
        for (before, text) in [
            (None, "--password=$(DB_PASSWORD)"),
            (None, "--password-file=/run/secrets/db"),
            (None, "--token=/var/run/token"),
            (Some("--token"), "--verbose"),
            (Some("token"), "abcdef"),
            (Some("--password=$(A)"), "serve"),
            (None, "--tls-secret=shop/tls-cert"),
            (None, "--secret=ingress-nginx-admission"),
            (None, "test \"$PASSWORD\" = hunter2"),
            (None, "export TOKEN=$(cat /run/token)"),
            (None, "--automount-token=true"),
            (None, "curl -H \"Authorization: Bearer $TOKEN\" http://a"),
            (None, "a?token=b"),
        ] {
            assert_eq!(in_argument(before, text), None, "{before:?} {text}");
        }
    }

    #[test]
    fn headers_with_credentials_are_told_from_others() {
        assert_eq!(in_header("Authorization", "Bearer 0f9a8b7c"), Some("authorization"));
        assert_eq!(in_header("proxy-authorization", "basic dXNlcjpwYXNz"), Some("authorization"));
        for (name, value) in [
            ("Authorization", "Bearer $(TOKEN)"),
            ("Authorization", "Bearer {{ .token }}"),
            ("Accept", "Basic dXNlcjpwYXNz"),
            ("Authorization", "required for all"),
        ] {
            assert_eq!(in_header(name, value), None, "{name}: {value}");
        }
    }
}
