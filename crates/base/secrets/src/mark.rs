//! Telling that two secrets are the same without keeping either: a keyed hash
//! under a salt that lives as long as one snapshot.

use ironhull_model::{Node, base64};
use sha2::{Digest, Sha256};

/// Shorter values repeat by chance.
const SHORTEST: usize = 8;

/// What marks are made with. One for each snapshot, and never written down, so
/// that nobody can try values against a mark.
#[derive(Clone)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A salt from random bytes.
    pub fn new(random: &[u8]) -> Salt {
        Salt(Sha256::digest(random).into())
    }

    /// HMAC-SHA256 (RFC 2104) of a value, as hexadecimal digits.
    fn mark(&self, value: &[u8]) -> String {
        let pad = |byte: u8| -> Vec<u8> {
            let mut block = [0; 64];
            block[..32].copy_from_slice(&self.0);
            block.iter().map(|key| key ^ byte).collect()
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(value).finalize();
        let outer = Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize();
        outer.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The mark of a value; of what it stands for, in a Secret's `data`.
pub(crate) fn of(node: Node<'_>, salt: &Salt) -> Option<String> {
    let key = node.key().unwrap_or_default();
    // Certificates are public, and the pull credentials of a registry are copied to
    // every namespace that needs them because there is no other way.
    if key.ends_with(".crt") || key.starts_with(".dockerc") {
        return None;
    }
    let text = node.as_str()?;
    let in_data = node.parent().and_then(Node::key) == Some("data");
    let value = in_data.then(|| base64::decode(text)).flatten();
    let value = value.unwrap_or_else(|| text.as_bytes().to_vec());
    let value = value.trim_ascii();
    (value.len() >= SHORTEST).then(|| salt.mark(value))
}

#[cfg(test)]
mod tests {
    use super::Salt;
    use ironhull_model::Object;

    fn marks(json: &str, salt: &Salt) -> Vec<Option<String>> {
        let object = Object::new(serde_json::from_str(json).unwrap(), None).unwrap();
        crate::found_at(&object, salt).into_iter().map(|(_, found)| found.mark).collect()
    }

    #[test]
    fn equal_secrets_share_a_mark_wherever_they_stand() {
        let salt = Salt::new(b"one");
        let secret = marks(
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"k":"Y29ycmVjdC1ob3JzZQ==","short":"eA==","tls.crt":"Y29ycmVjdC1ob3JzZQ=="}}"#,
            &salt,
        );
        let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","env":[{"name":"DB_PASSWORD","value":"correct-horse"}]}]}}"#;
        assert_eq!(secret[0], marks(pod, &salt)[0]);
        assert!(secret[0].is_some());
        assert_eq!(secret[1..], [None, None], "what is short or public has no mark");
        assert_ne!(secret[0], marks(pod, &Salt::new(b"other"))[0]);
    }
}
