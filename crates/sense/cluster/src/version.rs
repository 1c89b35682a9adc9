//! What the API server says it is.

use std::sync::Arc;

use ironhull_kube::{Cluster, Error};
use ironhull_model::{Builder, Fact, Minor, ThingRef};
use serde::Deserialize;

const PATH: &str = "/version";

#[derive(Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Server {
    /// `v1.37.1+k3s1`.
    pub(crate) git_version: String,
    platform: String,
    go_version: String,
    /// What an API server behaves as that is newer (KEP-4330); absent or empty in others.
    emulation_major: String,
    emulation_minor: String,
}

pub(crate) async fn ask(cluster: &Cluster) -> Result<Server, Error> {
    serde_json::from_slice(&cluster.get(PATH).await?)
        .map_err(|error| Error::Answer { path: PATH.to_owned(), reason: error.to_string() })
}

impl Server {
    /// As what it behaves; none when it is no version.
    pub(crate) fn minor(&self) -> Option<Minor> {
        self.emulated().or_else(|| self.git_version.parse().ok())
    }

    fn emulated(&self) -> Option<Minor> {
        format!("{}.{}", self.emulation_major, self.emulation_minor).parse().ok()
    }

    /// As the fact `cluster.version` has it.
    pub(crate) fn fact(&self) -> Fact {
        let mut builder = Builder::new();
        builder.begin_map(0);
        let texts = [
            ("gitVersion", &self.git_version),
            ("platform", &self.platform),
            ("goVersion", &self.go_version),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            builder.key(name, 0);
            builder.str(text, 0, 0);
        }
        let own: Option<Minor> = self.git_version.parse().ok();
        number(own, &mut builder);
        if let Some(emulated) = self.emulated().filter(|emulated| Some(*emulated) != own) {
            builder.key("emulated", 0);
            builder.begin_map(0);
            number(Some(emulated), &mut builder);
            builder.end(0);
        }
        builder.end(0);
        Fact {
            thing: Arc::new(ThingRef::cluster()),
            name: "cluster.version",
            value: builder.finish(),
            source: PATH.to_owned(),
        }
    }
}

fn number(minor: Option<Minor>, builder: &mut Builder) {
    let Some(minor) = minor else { return };
    for (name, value) in [("major", minor.major), ("minor", minor.minor)] {
        builder.key(name, 0);
        builder.int(i64::from(value), 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use ironhull_model::Minor;

    #[test]
    fn an_emulated_minor_is_the_one_that_counts() {
        let text = r#"{"major":"1","minor":"37","emulationMajor":"1","emulationMinor":"35",
            "gitVersion":"v1.37.1-eks-1","platform":"linux/amd64"}"#;
        let server: Server = serde_json::from_str(text).unwrap();
        assert_eq!(server.minor(), Some(Minor::v1(35)));
        assert_eq!(
            server.fact().value.root().to_json(),
            r#"{"gitVersion":"v1.37.1-eks-1","platform":"linux/amd64","major":1,"minor":37,"emulated":{"major":1,"minor":35}}"#
        );
        let old: Server = serde_json::from_str(r#"{"gitVersion":"v1.24.17"}"#).unwrap();
        assert_eq!(old.minor(), Some(Minor::v1(24)));
        assert_eq!(old.fact().value.root().get("emulated").map(|node| node.to_json()), None);
    }
}
