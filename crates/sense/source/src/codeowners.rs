//! CODEOWNERS files: the last line whose pattern fits a path names its owners.

/// The rules of a file.
#[derive(Debug, Default)]
pub struct CodeOwners {
    rules: Vec<(String, Vec<String>, usize)>,
}

impl CodeOwners {
    /// Reads a file's text.
    pub fn parse(text: &str) -> CodeOwners {
        let rules = text.lines().zip(1..).filter_map(|(line, number)| {
            let line = line.split('#').next().unwrap_or_default().trim();
            let mut words = line.split_whitespace();
            let pattern = words.next()?;
            Some((pattern.to_owned(), words.map(str::to_owned).collect(), number))
        });
        CodeOwners { rules: rules.collect() }
    }

    /// The owners of a path, joined by spaces, and the line that says so.
    pub fn owner(&self, path: &str) -> Option<(String, usize)> {
        let (_, owners, line) =
            self.rules.iter().rev().find(|(pattern, ..)| fits(pattern, path))?;
        (!owners.is_empty()).then(|| (owners.join(" "), *line))
    }
}

/// gitignore's patterns, as far as CODEOWNERS knows them: a leading slash binds to
/// the root, a trailing one means everything below, `*` stays in one component,
/// `**` does not.
fn fits(pattern: &str, path: &str) -> bool {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let body = pattern.trim_start_matches('/');
    let below = body.ends_with('/');
    let body = body.trim_end_matches('/');
    let starts: Vec<&str> = if anchored {
        vec![path]
    } else {
        std::iter::once(path)
            .chain(path.match_indices('/').map(|(at, _)| &path[at + 1..]))
            .collect()
    };
    starts.iter().any(|start| {
        // The pattern fits the path itself or one of its folders.
        let folders = start.match_indices('/').map(|(at, _)| &start[..at]);
        folders.clone().any(|folder| glob(body, folder)) || (!below && glob(body, start))
    })
}

fn glob(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**/") {
        return glob(rest, text)
            || text.match_indices('/').any(|(at, _)| glob(rest, &text[at + 1..]));
    }
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.trim_start_matches('*');
            let crosses = pattern.starts_with("**");
            let end = if crosses { text.len() } else { text.find('/').unwrap_or(text.len()) };
            (0..=end).filter(|at| text.is_char_boundary(*at)).any(|at| glob(rest, &text[at..]))
        }
        Some('?') => text
            .chars()
            .next()
            .is_some_and(|c| c != '/' && glob(&pattern[1..], &text[c.len_utf8()..])),
        Some(c) => text.strip_prefix(c).is_some_and(|rest| glob(&pattern[c.len_utf8()..], rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::CodeOwners;

    #[test]
    fn the_last_fitting_line_wins() {
        let owners = CodeOwners::parse(
            "*  @all # everyone\n/deploy/ @backend\n/deploy/web* @frontend @ux\n*.json\n",
        );
        let owner = |path: &str| owners.owner(path).map(|(owner, line)| format!("{owner}:{line}"));
        assert_eq!(owner("a/b.yaml").as_deref(), Some("@all:1"));
        assert_eq!(owner("deploy/api.yaml").as_deref(), Some("@backend:2"));
        assert_eq!(owner("deploy/web.yaml").as_deref(), Some("@frontend @ux:3"));
        assert_eq!(owner("other/deploy/api.yaml").as_deref(), Some("@all:1"));
        assert_eq!(owner("deploy/x.json"), None);
    }
}
