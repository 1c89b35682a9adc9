//! Who is in a directory: what an identity provider exports.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value as Json;

/// More than any directory exports, less than fills a machine.
const MOST_BYTES: u64 = 1 << 30;

/// Where lists of entries stand: SCIM (RFC 7644), Microsoft Graph, and plainly.
const LISTS: &[&str] = &["Resources", "value", "users", "groups"];
/// What tells a user from a group, and may be the name of one.
const USER_NAMES: &[&str] =
    &["userName", "userPrincipalName", "preferred_username", "username", "login", "mail", "email"];
const GROUP_NAMES: &[&str] = &["displayName", "name"];
/// States that sign nobody in, as Okta calls them.
const LEFT: &[&str] = &["DEPROVISIONED", "SUSPENDED", "DEACTIVATED"];

/// The names of a directory.
#[derive(Default, Debug)]
pub(super) struct Directory {
    users: HashSet<String>,
    groups: HashSet<String>,
}

impl Directory {
    /// Adds what a file holds: JSON of an identity provider, or a line for each
    /// `user:NAME`, `group:NAME`, or name that is either.
    pub(super) fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        let mut text = String::new();
        let read = if path == Path::new("-") {
            std::io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text)
        } else {
            let file = std::fs::File::open(path);
            file.and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        };
        let n_read = read.with_context(|| format!("failed to read the directory {shown}"))?;
        if n_read as u64 > MOST_BYTES {
            bail!("the directory {shown} is larger than {MOST_BYTES} bytes");
        }
        let before = self.users.len() + self.groups.len();
        if text.trim_start().starts_with(['{', '[']) {
            let json: Json = serde_json::from_str(&text)
                .with_context(|| format!("the directory {shown} is no JSON"))?;
            self.add_json(&json);
        } else {
            text.lines().for_each(|line| self.add_line(line));
        }
        if self.users.len() + self.groups.len() == before {
            bail!(
                "the directory {shown} names nobody; it holds JSON as SCIM or Microsoft Graph list users and groups, or lines such as user:NAME and group:NAME"
            );
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if let Some(name) = line.strip_prefix("user:") {
            self.users.insert(name.to_owned());
        } else if let Some(name) = line.strip_prefix("group:") {
            self.groups.insert(name.to_owned());
        } else {
            self.users.insert(line.to_owned());
            self.groups.insert(line.to_owned());
        }
    }

    fn add_json(&mut self, json: &Json) {
        let lists = LISTS.iter().filter_map(|name| json.get(name));
        for list in lists.chain(std::iter::once(json)) {
            list.as_array().into_iter().flatten().for_each(|entry| self.add_entry(entry));
        }
    }

    fn add_entry(&mut self, entry: &Json) {
        if let Some(name) = entry.as_str() {
            return self.add_line(name);
        }
        let is_off = |name: &str| entry.get(name).and_then(Json::as_bool) == Some(false);
        let status = entry.get("status").and_then(Json::as_str).unwrap_or_default();
        if is_off("active") || is_off("accountEnabled") || LEFT.contains(&status) {
            return;
        }
        // Okta keeps the names one level deeper.
        let profile = entry.get("profile").unwrap_or(entry);
        let texts = |names: &[&str]| -> Vec<String> {
            let values = names.iter().filter_map(|name| profile.get(name));
            values.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let mut names = texts(USER_NAMES);
        let set = if names.is_empty() {
            names = texts(GROUP_NAMES);
            &mut self.groups
        } else {
            let emails = profile.get("emails").and_then(Json::as_array).into_iter().flatten();
            let emails = emails.filter_map(|email| email.get("value")?.as_str());
            names.extend(emails.map(str::to_owned));
            &mut self.users
        };
        if !names.is_empty() {
            let id = entry.get("id").and_then(Json::as_str);
            set.extend(names.into_iter().chain(id.map(str::to_owned)));
        }
    }

    pub(super) fn has_user(&self, name: &str) -> bool {
        self.users.contains(name)
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::Directory;

    fn of(json: &str) -> Directory {
        let mut directory = Directory::default();
        directory.add_json(&serde_json::from_str(json).unwrap());
        directory
    }

    #[test]
    fn exports_of_identity_providers_are_read() {
        let scim = of(r#"{"Resources": [
            {"userName": "jane", "active": true, "emails": [{"value": "jane@shop.example"}]},
            {"userName": "left", "active": false}, {"displayName": "ops", "id": "g1"}]}"#);
        assert!(scim.has_user("jane") && scim.has_user("jane@shop.example"));
        assert!(!scim.has_user("left") && scim.has_group("ops") && scim.has_group("g1"));
        assert!(!scim.has_user("ops") && !scim.has_group("jane"));
        let graph = of(r#"{"value": [
            {"userPrincipalName": "jane@shop.example", "displayName": "Jane", "id": "u1"},
            {"userPrincipalName": "off@shop.example", "accountEnabled": false}]}"#);
        assert!(graph.has_user("jane@shop.example") && graph.has_user("u1"));
        assert!(!graph.has_user("off@shop.example") && !graph.has_group("Jane"));
        let okta = of(r#"[{"id": "1", "status": "ACTIVE", "profile": {"login": "ann"}},
            {"id": "2", "status": "DEPROVISIONED", "profile": {"login": "bob"}},
            {"id": "3", "profile": {"name": "dev"}}]"#);
        assert!(okta.has_user("ann") && !okta.has_user("bob") && okta.has_group("dev"));
    }

    #[test]
    fn lines_name_users_groups_or_either() {
        let mut directory = Directory::default();
        for line in ["# people", "user:jane", " group:ops ", "both", ""] {
            directory.add_line(line);
        }
        assert!(directory.has_user("jane") && !directory.has_group("jane"));
        assert!(directory.has_group("ops") && !directory.has_user("ops"));
        assert!(directory.has_user("both") && directory.has_group("both"));
    }
}
