//! Secrets in texts of lines that set something: configuration files in ConfigMaps, such
//! as YAML, properties, INI, TOML, and files of environment variables.

use crate::argument::is_secret;

/// Whether a line of a text sets a secret under its name, or as the value of an entry that
/// is called so. A text of one line sets nothing.
pub(crate) fn hold_secret(text: &str) -> bool {
    // Every string of every object is asked.
    if !text.contains('\n') {
        return false;
    }
    let mut named = "";
    text.lines().filter_map(set).any(|(name, value)| {
        let called = if name == "value" { named } else { name };
        if name == "name" {
            named = value;
        }
        is_secret(called, value)
    })
}

/// What a line sets: `name: value`, `- name: value`, `name = "value"`, `export NAME=value`.
fn set(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("- ").or(line.strip_prefix("export ")).unwrap_or(line);
    let (name, rest) = line.split_at(line.find([':', '='])?);
    let name = unquoted(name.trim());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    Some((name, value(rest[1..].trim())?))
}

/// A value without its quotes and the comment behind it; none where a tag, an anchor or a
/// block begins.
fn value(rest: &str) -> Option<&str> {
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = quote {
        let inner = &rest[1..];
        return inner.find(quote).map(|end| &inner[..end]);
    }
    let end = rest.find(" #").unwrap_or(rest.len());
    let value = rest[..end].trim_end();
    (!value.starts_with(['!', '&', '|', '>', '['])).then_some(value)
}

fn unquoted(name: &str) -> &str {
    name.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::hold_secret;

    #[test]
    fn lines_that_set_secrets_are_told_from_what_looks_like_it() {
        for text in [
            "spring:\n  datasource:\n    username: app\n    password: hunter2!\n",
            "users:\n- name: x\n  user:\n    token: s3cr3tvalue\n",
            "spring.datasource.password=hunter2!\n",
            "A=1\nexport DB_PASSWORD=hunter2!\n",
            "[db]\npassword = hunter2! # of the old one\n",
            "db_password = \"hunter2!\"\n",
            "\"api_key\": 'hunter2!'\n",
            "- token: s3cr3tvalue\n- b: c\n",
            "env:\n- name: DB_PASSWORD\n  value: hunter2!\n",
        ] {
            assert!(hold_secret(text), "{text}");
        }
        for text in [
            "password=hunter2!",
            "password: ${DB_PASSWORD}\ntoken: \"\"\n",
            "password:\n  type: string\n",
            "the password: hunter2!\n",
            "# password: hunter2!\n",
            "password: hunter2! is what they all take\n",
            "password_file: hunter2!\npassword: |\n  hunter2!\n",
            "secret: shop/tls-cert\n",
            "password: !vault hunter2!\npassword: &p\n",
            "- name: DB_PASSWORD\n  valueFrom: hunter2!\n- name: A\n  value: hunter2!\n",
            "if [ \"$TOKEN\" = hunter2! ]; then\n",
        ] {
            assert!(!hold_secret(text), "{text}");
        }
    }
}
