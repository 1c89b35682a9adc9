//! Secrets in texts that are JSON: configuration files in ConfigMaps, copies of objects
//! in annotations.

use crate::name::by_name;

/// Whether a text is JSON in which a secret stands under its name, or as the value of an
/// entry that is called so.
pub(crate) fn holds_secret(text: &str) -> bool {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return false;
    }
    let (mut key, mut named) = (None, None);
    for (string, is_key) in (Strings { text, at: 0 }) {
        if is_key {
            key = Some(string);
            continue;
        }
        // Of a list of texts only the first stands behind its key.
        let Some(name) = key.take() else { continue };
        let called = named.filter(|_| name == "value");
        if by_name(called.unwrap_or(name), string) {
            return true;
        }
        if name == "name" {
            named = Some(string);
        }
    }
    false
}

/// The strings of a JSON text as they are written, and whether each is a key.
struct Strings<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Strings<'t> {
    type Item = (&'t str, bool);

    fn next(&mut self) -> Option<(&'t str, bool)> {
        let start = self.at + self.text[self.at..].find('"')? + 1;
        let mut is_escaped = false;
        let end = self.text[start..].find(|c| {
            let ends = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends
        })?;
        let end = start + end;
        self.at = end + 1;
        let is_key = self.text[self.at..].trim_start().starts_with(':');
        Some((&self.text[start..end], is_key))
    }
}

#[cfg(test)]
mod tests {
    use super::holds_secret;

    #[test]
    fn secrets_in_json_are_told_from_what_looks_like_it() {
        for text in [
            r#"{"password":"hunter2!"}"#,
            " {\"db\": {\"user\": \"a\\\"b\", \"db_pass\" : \"hunter2!\"}}\n",
            r#"[{"name":"DB_PASSWORD","value":"hunter2!"}]"#,
        ] {
            assert!(holds_secret(text), "{text}");
        }
        for text in [
            r#"{"password":"$(PASSWORD)","token":""}"#,
            r#"{"password": 1, "name": "password", "levels": ["hunter2!"]}"#,
            r#"{"passwordFile":"hunter2!"}"#,
            r#"say "password": "hunter2!" "#,
            r#"{"password": "cut"#,
            r#"{"password":{"type":"string"}}"#,
        ] {
            assert!(!holds_secret(text), "{text}");
        }
    }
}
