//! Secrets that are known by the name they stand under.

/// Words that name a secret when they end a name (`DB_PASSWORD`, `apiKey`).
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "privatekey",
    "private_key",
    "secretkey",
    "secret_key",
    "credential",
    "credentials",
    "authkey",
    "auth_key",
    "encryptionkey",
    "encryption_key",
    "signingkey",
    "signing_key",
];

/// Whether a literal under this name is a secret. References, paths, flags,
/// numbers and obvious placeholders are not.
pub fn by_name(name: &str, text: &str) -> bool {
    WORDS.iter().any(|word| ends_with(name, word)) && !is_harmless(text)
}

/// Whether a name ends in a word, in any case and with dashes and dots left out.
/// Every string of every object is asked, so nothing is copied.
fn ends_with(name: &str, word: &str) -> bool {
    let mut letters = name.bytes().rev().filter(|byte| !matches!(byte, b'-' | b'.'));
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
        for (name, text) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("DB_PASSWORD", "$(FROM_SECRET)"),
            ("TOKEN", "true"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("secretName", "db-credentials"),
        ] {
            assert!(!by_name(name, text), "{name}={text}");
        }
    }
}
