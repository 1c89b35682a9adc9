//! Image references (distribution/reference).

/// The parts of an image reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImageRef<'a> {
    /// Registry host, `docker.io` when none is named.
    pub registry: &'a str,
    /// Path within the registry as written (`nginx`, not `library/nginx`).
    pub path: &'a str,
    /// Tag, when one is named.
    pub tag: Option<&'a str>,
    /// Digest with its algorithm, when one is named.
    pub digest: Option<&'a str>,
}

/// Splits a reference; nothing is validated.
pub fn parse(image: &str) -> ImageRef<'_> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    let (registry, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", name),
    };
    ImageRef { registry, path, tag, digest }
}

/// The reference without tag and digest.
pub fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageRef, parse, repository};

    #[test]
    fn ports_are_not_tags() {
        let image = parse("localhost:5000/a/b:1.2@sha256:00");
        assert_eq!(
            image,
            ImageRef {
                registry: "localhost:5000",
                path: "a/b",
                tag: Some("1.2"),
                digest: Some("sha256:00")
            }
        );
        assert_eq!(parse("nginx").registry, "docker.io");
        assert_eq!(parse("team/nginx:1").path, "team/nginx");
        assert_eq!(repository("localhost:5000/a/b:1.2@sha256:00"), "localhost:5000/a/b");
        assert_eq!(repository("localhost:5000/a"), "localhost:5000/a");
    }
}
