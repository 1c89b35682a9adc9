//! Secrets that are known by the name they stand under.

/// Words that name a secret when they end a name (`DB_PASSWORD`, `apiKey`), by
/// their last letter. Every string of every object is asked.
fn words(last: u8) -> &'static [&'static str] {
    match last {
        b'd' => &["password", "passwd"],
        b'e' => &["passphrase"],
        b'l' => &["credential"],
        b'n' => &["token"],
        b's' => &["credentials"],
        b't' => &["secret"],
        b'y' => &[
            "apikey",
            "api_key",
            "accesskey",
            "access_key",
            "privatekey",
            "private_key",
            "secretkey",
            "secret_key",
            "authkey",
            "auth_key",
            "encryptionkey",
            "encryption_key",
            "signingkey",
            "signing_key",
        ],
        _ => &[],
    }
}

/// Names that end so and are none: etcd's name of a new cluster.
const NO_SECRETS: &[&str] = &["initialclustertoken", "initial_cluster_token"];

/// Whether a literal under this name is a secret. References, paths, flags,
/// numbers and obvious placeholders are not.
pub fn by_name(name: &str, text: &str) -> bool {
    let Some(last) = name.bytes().rev().find(|byte| !is_left_out(*byte)) else { return false };
    words(last.to_ascii_lowercase()).iter().any(|word| ends_with(name, word))
        && !is_harmless(text)
        && !names(name, NO_SECRETS)
}

/// Whether a name ends in one of some words, as [`by_name`] reads it.
pub(crate) fn names(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| ends_with(name, word))
}

fn is_left_out(byte: u8) -> bool {
    matches!(byte, b'-' | b'.')
}

/// Whether a name ends in a word, in any case and with dashes and dots left out.
fn ends_with(name: &str, word: &str) -> bool {
    let mut letters = name.bytes().rev().filter(|byte| !is_left_out(*byte));
    word.bytes()
        .rev()
        .all(|wanted| letters.next().is_some_and(|letter| letter.to_ascii_lowercase() == wanted))
}

fn is_harmless(text: &str) -> bool {
    let text = text.trim();
    text.len() < 4
        || text.contains(['\n', ' '])
        || text.starts_with(['$', '/', '<', '{', '*', '%'])
        || text.starts_with("vault:")
        || text.starts_with("ref+")
        || text.starts_with("arn:")
        || text.contains("://")
        || text.parse::<f64>().is_ok()
        || matches!(
            text,
            "true" | "false" | "null" | "none" | "changeme" | "CHANGEME" | "REPLACE_ME"
        )
}

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn names_decide_with_their_value() {
        assert!(by_name("DB_PASSWORD", "hunter2"));
        assert!(by_name("apiKey", "0f9a8b7c"));
        assert!(by_name("spring.datasource.password", "hunter2"));
        for last in b'a'..=b'z' {
            assert!(super::words(last).iter().all(|word| word.ends_with(last as char)));
            assert!(super::words(last).iter().all(|word| by_name(word, "hunter2")));
        }
        assert!(by_name("db-password.", "hunter2"));
        for (name, text) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("DB_PASSWORD", "$(FROM_SECRET)"),
            ("TOKEN", "true"),
            ("ETCD_INITIAL_CLUSTER_TOKEN", "etcd-cluster-1"),
            ("initial-cluster-token", "etcd-cluster-1"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("secretName", "db-credentials"),
        ] {
            assert!(!by_name(name, text), "{name}={text}");
        }
    }
}
