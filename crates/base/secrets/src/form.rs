//! Secrets that are known by their form alone.

/// A token with a fixed prefix: at least `length` characters of `alphabet` follow.
struct Token {
    detector: &'static str,
    prefix: &'static str,
    length: usize,
    alphabet: fn(u8) -> bool,
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'/'
}

fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

const fn token(
    detector: &'static str,
    prefix: &'static str,
    length: usize,
    alphabet: fn(u8) -> bool,
) -> Token {
    Token { detector, prefix, length, alphabet }
}

/// Prefixes as their issuers document them.
const TOKENS: &[Token] = &[
    token("aws-access-key", "AKIA", 16, upper),
    token("aws-access-key", "ASIA", 16, upper),
    token("github-token", "ghp_", 36, alphanumeric),
    token("github-token", "gho_", 36, alphanumeric),
    token("github-token", "ghu_", 36, alphanumeric),
    token("github-token", "ghs_", 36, alphanumeric),
    token("github-token", "ghr_", 36, alphanumeric),
    token("github-token", "github_pat_", 59, url_safe),
    token("gitlab-token", "glpat-", 20, url_safe),
    token("slack-token", "xoxb-", 20, url_safe),
    token("slack-token", "xoxp-", 20, url_safe),
    token("slack-token", "xoxa-", 20, url_safe),
    token("slack-token", "xapp-", 20, url_safe),
    token("slack-webhook", "hooks.slack.com/services/", 40, path),
    token("stripe-key", "sk_live_", 20, alphanumeric),
    token("stripe-key", "rk_live_", 20, alphanumeric),
    token("google-api-key", "AIza", 35, url_safe),
    token("npm-token", "npm_", 36, alphanumeric),
    token("pypi-token", "pypi-AgEIcHlwaS5vcmc", 40, url_safe),
    token("sendgrid-key", "SG.", 22, url_safe),
    token("digitalocean-token", "dop_v1_", 64, alphanumeric),
    token("vault-token", "hvs.", 24, url_safe),
    token("openai-key", "sk-proj-", 40, url_safe),
    token("anthropic-key", "sk-ant-", 40, url_safe),
    token("huggingface-token", "hf_", 34, alphanumeric),
    token("age-key", "AGE-SECRET-KEY-1", 58, upper),
];

/// The detector whose form stands somewhere in the text. Searching for one byte is
/// cheap, and tells of most texts that a form is not there.
pub fn by_form(text: &str) -> Option<&'static str> {
    let has = |byte: u8| text.as_bytes().contains(&byte);
    let in_url = || if has(b':') { password_in_url(text) } else { None };
    // The shortest of the others is a key of 20 characters.
    if text.len() < 20 {
        return in_url();
    }
    if has(b'-') && text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return Some("private-key");
    }
    by_prefix(text)
        .or_else(|| if has(b'.') { jwt(text) } else { None })
        .or_else(in_url)
        .or_else(|| if has(b'=') { account_key(text) } else { None })
}

/// Looks only where a word starts, so that each text is passed once.
fn by_prefix(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let starts = |at: usize| at == 0 || !url_safe(bytes[at - 1]);
    let mut at = 0;
    while at + 20 <= bytes.len() {
        if starts(at)
            && matches!(
                bytes[at],
                b'A' | b'g' | b'x' | b's' | b'r' | b'n' | b'p' | b'S' | b'd' | b'h'
            )
        {
            let rest = &text.as_bytes()[at..];
            if let Some(token) = TOKENS.iter().find(|token| token.stands_at(rest)) {
                return Some(token.detector);
            }
        }
        at += 1;
    }
    None
}

impl Token {
    fn stands_at(&self, bytes: &[u8]) -> bool {
        let Some(rest) = bytes.strip_prefix(self.prefix.as_bytes()) else { return false };
        let body = rest.iter().take_while(|byte| (self.alphabet)(**byte)).count();
        body >= self.length && !is_placeholder(&rest[..body])
    }
}

/// `AKIAXXXXXXXXXXXXXXXX` and documentation's EXAMPLE keys are no secrets.
fn is_placeholder(body: &[u8]) -> bool {
    let same = body.windows(2).filter(|pair| pair[0] == pair[1]).count();
    same * 2 > body.len() || body.windows(7).any(|window| window.eq_ignore_ascii_case(b"example"))
}

/// A signed JSON Web Token (RFC 7519): three base64url parts, the first two of JSON objects.
fn jwt(text: &str) -> Option<&'static str> {
    let begins = |at: usize| !text[..at].ends_with(|c: char| c.is_ascii() && url_safe(c as u8));
    let is_signed = |at: usize| {
        let is_part = |c: char| c.is_ascii() && (url_safe(c as u8) || c == '.');
        let token = &text[at..];
        let token = &token[..token.find(|c| !is_part(c)).unwrap_or(token.len())];
        let parts: Vec<&str> = token.split('.').collect();
        parts.len() == 3 && parts[1].starts_with("eyJ") && parts.iter().all(|part| part.len() >= 16)
    };
    let mut tokens = text.match_indices("eyJ").map(|(at, _)| at).filter(|at| begins(*at));
    tokens.any(is_signed).then_some("jwt")
}

/// `scheme://user:password@host`, of any address in the text.
fn password_in_url(text: &str) -> Option<&'static str> {
    text.match_indices("://").find_map(|(at, sign)| in_address(&text[at + sign.len()..]))
}

fn in_address(rest: &str) -> Option<&'static str> {
    let authority = rest.split(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c)).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    let is_reference = password.is_empty()
        || password.starts_with(['$', '<', '{', '%'])
        || password.chars().all(|c| c == '*' || c == 'x');
    (!is_reference).then_some("password-in-url")
}

/// Azure storage and service bus connection strings.
fn account_key(text: &str) -> Option<&'static str> {
    let is_key = |key: &str| {
        let is_digit =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        key.bytes().take_while(|byte| is_digit(byte)).count() >= 40
    };
    let names = ["AccountKey=", "SharedAccessKey="];
    let mut keys = names.into_iter().flat_map(|name| text.split(name).skip(1));
    keys.any(is_key).then_some("azure-account-key")
}

#[cfg(test)]
mod tests {
    use super::by_form;

    #[test]
    fn forms_are_recognized_and_near_misses_are_not() {
        for (text, detector) in [
            ("AKIAIOSFODNN7ABCDEFG", Some("aws-access-key")),
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("XAKIAIOSFODNN7ABCDEFG", None),
            ("key=glpat-0123456789abcdefABCD", Some("gitlab-token")),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII", Some("private-key")),
            ("-----BEGIN CERTIFICATE-----\nMII", None),
            ("https://example.com/a@b", None),
            ("amqp://user:$(PASSWORD)@mq", None),
            ("amqp://user:tiger7@mq", Some("password-in-url")),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
                Some("jwt"),
            ),
            ("registry.example.com/team/app:1.2.3", None),
        ] {
            assert_eq!(by_form(text), detector, "{text}");
        }
    }
}
