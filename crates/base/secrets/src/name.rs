//! Secrets that are known by the name they stand under.

/// Words that name a secret when they end a name (`DB_PASSWORD`, `apiKey`), by
/// their last letter. Every string of every object is asked.
fn words(last: u8) -> &'static [&'static str] {
    match last {
        b'd' => &["password", "passwd"],
        b'e' => &["passphrase", "secret_key_base"],
        b'h' => &["masterauth"],
        b'l' => &["credential"],
        b'n' => &["token"],
        b's' => &["credentials", "requirepass"],
        b't' => &["secret"],
        b'w' => &["bindpw", "rootpw"],
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

/// Short words that name a secret as the last of several: `DB_PASS`, `mysql.pwd`, `dbPass`.
/// Alone or as the end of a word they mostly mean something else (`PWD`, `bypass`).
const LAST_WORDS: &[&str] = &["pass", "pwd", "pw"];

/// Whether a name has several words of which the last is one of [`LAST_WORDS`].
fn ends_in_short_word(name: &str) -> bool {
    let name = name.trim_end_matches(['-', '.', '_']);
    let Some((before, last)) = last_word(name) else { return false };
    let owner = last_word(before).map_or(before, |(_, word)| word);
    // `FIRST_PASS` is no password, and `OLD_PWD` a directory.
    let is_other = NO_OWNERS.iter().any(|word| owner.eq_ignore_ascii_case(word));
    !is_other && LAST_WORDS.iter().any(|word| last.eq_ignore_ascii_case(word))
}

/// Words before which a pass is a turn, and a pwd a directory.
const NO_OWNERS: &[&str] =
    &["", "allow", "by", "first", "multi", "old", "one", "proxy", "second", "single", "two"];

/// The last word of a name of several, and what stands before it.
fn last_word(name: &str) -> Option<(&str, &str)> {
    let sign = name.rfind(['-', '.', '_']).map(|at| at + 1);
    let begins = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    let capital = name.as_bytes().windows(2).rposition(begins).map(|at| at + 1);
    let at = sign.max(capital)?;
    Some((name[..at].trim_end_matches(['-', '.', '_']), &name[at..]))
}

/// Names that end so and are none: etcd's name of a new cluster.
const NO_SECRETS: &[&str] = &["initialclustertoken", "initial_cluster_token"];

/// Whether a literal under this name is a secret. References, paths, flags, obvious
/// placeholders, and numbers that are no passwords are not.
pub fn by_name(name: &str, text: &str) -> bool {
    let is_number = || text.trim().parse::<f64>().is_ok();
    is_of_secret(name) && !is_harmless(text) && (!is_number() || is_password(name, text.trim()))
}

/// The fewest digits that are a password; fewer are a length, a time or a number of tries.
const LEAST_DIGITS: usize = 6;

/// Whether a number is a password: `DB_PASSWORD: "123456"`.
fn is_password(name: &str, number: &str) -> bool {
    number.len() >= LEAST_DIGITS
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (names(name, &["password", "passwd"]) || ends_in_short_word(name))
}

/// Whether what stands under a name is a secret, if it is anything.
pub(crate) fn is_of_secret(name: &str) -> bool {
    let Some(last) = name.bytes().rev().find(|byte| !is_left_out(*byte)) else { return false };
    let last = last.to_ascii_lowercase();
    let is_named = words(last).iter().any(|word| ends_with(name, word))
        || matches!(last, b's' | b'd' | b'w') && ends_in_short_word(name);
    is_named && !names(name, NO_SECRETS)
}

/// Whether a text is the word for a secret, alone or as the last of several:
/// `db-password`, `access_token`, `NextToken`.
pub(crate) fn is_word_of_secret(text: &str) -> bool {
    let last = text.bytes().next_back().unwrap_or_default().to_ascii_lowercase();
    words(last).iter().any(|word| {
        let Some(at) = text.len().checked_sub(word.len()).filter(|at| text.is_char_boundary(*at))
        else {
            return false;
        };
        let (before, end) = text.split_at(at);
        let begins = before.is_empty()
            || before.ends_with(['-', '.', '_'])
            || before.ends_with(|c: char| c.is_ascii_lowercase())
                && end.starts_with(|c: char| c.is_ascii_uppercase());
        begins && end.eq_ignore_ascii_case(word)
    })
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

/// What stands for a secret that is to be filled in, and words of other things.
const PLACEHOLDERS: &[&str] = &[
    "change-me",
    "change_me",
    "changeme",
    "compat",
    "false",
    "files",
    "include",
    "none",
    "null",
    "omit",
    "read",
    "redacted",
    "replace-me",
    "replace_me",
    "replaceme",
    "same-origin",
    "todo",
    "true",
    "undefined",
    "write",
];

fn is_harmless(text: &str) -> bool {
    let text = text.trim();
    let is_filled = |text: &str| PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word));
    text.len() < 4
        || text.contains(['\n', ' '])
        || text.starts_with(['$', '/', '<', '{', '*', '%', '`'])
        || [("__", "__"), ("[", "]"), ("ENC[", "]"), ("ENC(", ")")]
            .iter()
            .any(|(start, end)| text.starts_with(start) && text.ends_with(end))
        || ["vault:", "ref+", "arn:"].iter().any(|start| text.starts_with(start))
        || text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("your"))
        || text.contains("://")
        || text.bytes().all(|byte| byte == text.as_bytes()[0])
        || is_filled(text)
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
            // Or it would be passed over in texts.
            let in_text = |word: &&str| {
                crate::settings::hold_secret(&format!("a: b\n{word}: hunter2\n"), true)
            };
            assert!(super::words(last).iter().all(in_text));
        }
        assert!(by_name("db-password.", "hunter2"));
        for name in
            ["DB_PASS", "DB_PWD", "mysql.pwd", "redis-pass", "SMTP_AUTH_PASS", "dbPass", "rootPw"]
        {
            assert!(by_name(name, "hunter2!"), "{name}");
            assert!(by_name(name, "123456") && !by_name(name, "12345"), "{name}");
        }
        assert!(by_name("DB_PASSWORD", "13371337") && !by_name("API_TOKEN", "13371337"));
        for name in [
            "PWD",
            "OLD_PWD",
            "OLDPWD",
            "compass",
            "bypass",
            "by-pass",
            "byPass",
            "isFirstPass",
            "pass",
            "FIRST_PASS",
            "_PWD",
        ] {
            assert!(!by_name(name, "hunter2!"), "{name}");
        }
        for (name, text) in [
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("DB_PASSWORD", "$(FROM_SECRET)"),
            ("TOKEN", "true"),
            ("k8s_auth_token", "__SERVICEACCOUNT_TOKEN__"),
            ("ETCD_INITIAL_CLUSTER_TOKEN", "etcd-cluster-1"),
            ("initial-cluster-token", "etcd-cluster-1"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("secretName", "db-credentials"),
        ] {
            assert!(!by_name(name, text), "{name}={text}");
        }
    }
}
