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

/// Whether a text is an image reference as the distribution specification writes
/// it: a host, a path of lower-case names, a tag, a digest.
pub fn is_reference(image: &str) -> bool {
    let parsed = parse(image);
    let is_name = |name: &str| {
        let bytes = name.as_bytes();
        let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let separators = name.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        bytes.first().is_some_and(is_word)
            && bytes.last().is_some_and(is_word)
            && separators.filter(|separator| !separator.is_empty()).all(|separator| {
                matches!(separator, "." | "_" | "__") || separator.bytes().all(|b| b == b'-')
            })
    };
    let is_host = |host: &str| {
        let (name, port) = host.split_once(':').unwrap_or((host, "0"));
        port.bytes().all(|byte| byte.is_ascii_digit())
            && !port.is_empty()
            && name.split('.').all(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
    };
    let is_tag = |tag: &str| {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (1..=128).contains(&tag.len())
            && tag.bytes().next().is_some_and(is_word)
            && tag.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
    };
    let is_digest = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            let starts = algorithm.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
            starts && hex.len() >= 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    is_host(parsed.registry)
        && !parsed.path.is_empty()
        && parsed.path.split('/').all(is_name)
        && parsed.tag.is_none_or(is_tag)
        && parsed.digest.is_none_or(is_digest)
}

/// The reference without tag and digest.
pub fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// As whose mirror a repository is known: Rancher's are named `rancher/mirrored-ORG-NAME`
/// after `ORG/NAME`. None for an end of one segment, which tells no organisation.
pub fn mirrored(end: &str) -> Option<String> {
    end.contains('/').then(|| format!("mirrored-{}", end.replace('/', "-")))
}

/// Whether a path within a registry is that of a repository, or of a mirror of it: the
/// end of the path, in whole segments, or Rancher's name for it.
pub fn is_of(path: &str, end: &str) -> bool {
    let ends = |end: &str| {
        path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    ends(end) || mirrored(end).is_some_and(|name| ends(&format!("rancher/{name}")))
}

#[cfg(test)]
mod tests {
    use super::{ImageRef, is_of, parse, repository};

    #[test]
    fn a_mirror_is_of_its_repository() {
        for path in [
            "calico/node",
            "oss/calico/node",
            "rancher/mirrored-calico-node",
            "m/rancher/mirrored-calico-node",
        ] {
            assert!(is_of(path, "calico/node"), "{path}");
        }
        for path in [
            "notcalico/node",
            "calico/node/x",
            "mirrored-calico-node",
            "x/mirrored-calico-node",
            "rancher/mirrored-calico-node-driver",
            "rancher/calico-node",
        ] {
            assert!(!is_of(path, "calico/node"), "{path}");
        }
        assert!(!is_of("rancher/mirrored-node", "node"), "one segment tells no organisation");
    }

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
