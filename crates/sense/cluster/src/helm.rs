//! Helm releases: Secrets whose body is what was installed, packed. They are read only
//! when it is asked for, because a release holds the values that its chart was given;
//! of those nothing is kept.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use futures_util::{StreamExt, stream};
use ironhull_kube::Cluster;
use ironhull_model::{Builder, Cause, Fact, Gap, Node, Object, SourceId, ThingRef, Value, base64};
use ironhull_yaml::Limits;
use serde::Deserialize;

use crate::Seen;

/// What is told of Secrets.
pub(crate) const FACT: &str = "helm.release";
/// What Helm 3 and 4 call their Secrets.
const TYPE: &str = "helm.sh/release.v1";
/// The API server keeps no Secret that is larger; with what packs it in JSON.
const LONGEST: usize = 4 << 20;
/// Most of a release when it is unpacked.
const UNPACKED: u64 = 64 << 20;
const AT_ONCE: usize = 6;

#[derive(Deserialize)]
struct Secret {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    release: String,
}

/// Of a release only what is named here is taken; its values are not.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Release {
    name: String,
    namespace: String,
    version: i64,
    info: Info,
    chart: Chart,
    manifest: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Info {
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chart {
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    version: String,
    app_version: String,
}

/// Adds the fact `helm.release` of the newest revision of each release that was seen.
pub(crate) async fn read(cluster: &Cluster, is_asked: bool, seen: &mut Seen) {
    let newest = newest(&seen.objects);
    if newest.is_empty() {
        return;
    }
    let gap = |what: String, cause, reason: String, supply: String| Gap {
        what,
        cause,
        reason,
        supply,
        fact: Some(FACT),
        kind: None,
    };
    if !is_asked {
        let reason =
            "--read-helm-releases was not given: it reads Secrets whole, of this type only";
        seen.gaps.push(gap(
            format!("what {} Helm releases installed", newest.len()),
            Cause::NotAsked,
            reason.to_owned(),
            "ironhull check cluster: --read-helm-releases".to_owned(),
        ));
        return;
    }
    let answers: Vec<_> = stream::iter(newest)
        .map(|thing| async move {
            let answer = ask(cluster, &thing).await;
            (thing, answer)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for (thing, answer) in answers {
        match answer {
            Ok(value) => seen.facts.push(Fact {
                thing,
                name: FACT,
                value,
                source: "data.release".to_owned(),
            }),
            Err((cause, reason)) => seen.gaps.push(gap(
                format!("Helm release {thing}"),
                cause,
                reason,
                format!("helm status -n {} {}", thing.namespace, release_of(&thing.name)),
            )),
        }
    }
}

/// The Secret of the highest revision of each release.
pub(crate) fn newest(objects: &[Object]) -> Vec<Arc<ThingRef>> {
    let mut newest: BTreeMap<(&str, &str), (u64, &Arc<ThingRef>)> = BTreeMap::new();
    let is_release = |object: &&Object| {
        object.is("", "Secret") && object.root().get("type").and_then(Node::as_str) == Some(TYPE)
    };
    for object in objects.iter().filter(is_release) {
        let thing = &object.thing;
        let revision = thing.name.rsplit_once(".v").and_then(|(_, revision)| revision.parse().ok());
        let key = (&*thing.namespace, release_of(&thing.name));
        let revision: u64 = revision.unwrap_or_default();
        let known = newest.entry(key).or_insert((revision, thing));
        if known.0 < revision {
            *known = (revision, thing);
        }
    }
    newest.into_values().map(|(_, thing)| thing.clone()).collect()
}

/// `web` of `sh.helm.release.v1.web.v3`.
fn release_of(secret: &str) -> &str {
    let name = secret.strip_prefix("sh.helm.release.v1.").unwrap_or(secret);
    name.rsplit_once(".v").map_or(name, |(name, _)| name)
}

async fn ask(cluster: &Cluster, thing: &ThingRef) -> Result<Value, (Cause, String)> {
    let path = format!("/api/v1/namespaces/{}/secrets/{}", thing.namespace, thing.name);
    let body = cluster.get_within(&path, LONGEST).await.map_err(|error| {
        let denied = error.code() == Some(403);
        (if denied { Cause::Denied } else { Cause::Unreadable }, error.to_string())
    })?;
    let broken =
        |reason: &str| (Cause::Unreadable, format!("its body is not understood: {reason}"));
    let secret: Secret = serde_json::from_slice(&body).map_err(|_| broken("no data.release"))?;
    let release = unpacked(&secret.data.release).map_err(broken)?;
    Ok(fact(&release))
}

/// The API server's base64 of Helm's base64 of gzip of JSON; old releases are not packed.
fn unpacked(text: &str) -> Result<Release, &'static str> {
    let inner = base64::decode(text).ok_or("no base64")?;
    let inner = std::str::from_utf8(&inner).map_err(|_| "no text in base64")?;
    let packed = base64::decode(inner).ok_or("no base64 in base64")?;
    let mut json = Vec::new();
    if packed.starts_with(&[0x1f, 0x8b]) {
        let mut reader = GzDecoder::new(&*packed).take(UNPACKED + 1);
        reader.read_to_end(&mut json).map_err(|_| "damaged gzip")?;
        if json.len() as u64 > UNPACKED {
            return Err("larger than 64 MiB");
        }
    } else {
        json = packed;
    }
    // What serde says of a wrong type may quote a value.
    serde_json::from_slice(&json).map_err(|_| "no release in JSON")
}

fn fact(release: &Release) -> Value {
    let mut builder = Builder::new();
    let text = |builder: &mut Builder, key: &str, text: &str| {
        builder.key(key, 0);
        builder.str(text, 0, 0);
    };
    builder.begin_map(0);
    text(&mut builder, "name", &release.name);
    text(&mut builder, "namespace", &release.namespace);
    builder.key("revision", 0);
    builder.int(release.version, 0, 0);
    text(&mut builder, "status", &release.info.status);
    builder.key("chart", 0);
    builder.begin_map(0);
    let Metadata { name, version, app_version } = &release.chart.metadata;
    for (key, value) in [("name", name), ("version", version), ("appVersion", app_version)] {
        text(&mut builder, key, value);
    }
    builder.end(0);
    builder.key("objects", 0);
    builder.begin_list(0);
    let parsed = ironhull_yaml::parse(SourceId(0), &release.manifest, &Limits::default());
    for document in &parsed.documents {
        let root = document.value.root();
        let of = |names: &[&str]| root.path(names).and_then(Node::as_str);
        let (Some(api_version), Some(kind)) = (of(&["apiVersion"]), of(&["kind"])) else {
            continue;
        };
        builder.begin_map(0);
        text(&mut builder, "apiVersion", api_version);
        text(&mut builder, "kind", kind);
        for key in ["namespace", "name"] {
            if let Some(value) = of(&["metadata", key]) {
                text(&mut builder, key, value);
            }
        }
        builder.end(0);
    }
    builder.end(0);
    builder.end(0);
    builder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{fact, release_of, unpacked};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn packed(json: &str) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json.as_bytes()).unwrap();
        base64(base64(&encoder.finish().unwrap()).as_bytes())
    }

    fn base64(bytes: &[u8]) -> String {
        const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let group = |bytes: &[u8]| {
            let bits = bytes.iter().fold(0, |bits: u32, byte| bits << 8 | u32::from(*byte));
            let bits = bits << (8 * (3 - bytes.len()));
            let digit = |at: usize| match at <= bytes.len() {
                true => DIGITS[(bits >> (18 - 6 * at)) as usize & 63] as char,
                false => '=',
            };
            (0..4).map(digit).collect::<String>()
        };
        bytes.chunks(3).map(group).collect()
    }

    #[test]
    fn of_a_release_no_value_is_kept() {
        let json = r#"{"name":"web","namespace":"shop","version":3,"info":{"status":"deployed","notes":"hunter2"},
            "chart":{"metadata":{"name":"shop","version":"1.2.3","appVersion":"7"},"values":{"password":"hunter2"}},
            "config":{"password":"hunter2"},
            "manifest":"---\napiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: nightly}\nspec: {password: hunter2}\n---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: other}\n"}"#;
        let fact = fact(&unpacked(&packed(json)).unwrap());
        assert_eq!(
            fact.root().to_json(),
            r#"{"name":"web","namespace":"shop","revision":3,"status":"deployed","chart":{"name":"shop","version":"1.2.3","appVersion":"7"},"objects":[{"apiVersion":"batch/v1beta1","kind":"CronJob","name":"nightly"},{"apiVersion":"v1","kind":"Service","namespace":"other","name":"s"}]}"#
        );
    }

    #[test]
    fn what_is_no_release_is_told_without_what_it_holds() {
        for text in ["hunter2!", "aHVudGVyMg==", &packed("{\"name\":[\"hunter2\"]}"), &packed("{")]
        {
            let told = unpacked(text).err().unwrap();
            assert!(!told.contains("hunter2"), "{told}");
        }
        let bomb = packed(&format!("{{\"name\":\"{}\"}}", "a".repeat(65 << 20)));
        assert_eq!(unpacked(&bomb).err(), Some("larger than 64 MiB"));
        assert_eq!(release_of("sh.helm.release.v1.a.v2b.v31"), "a.v2b");
    }
}
