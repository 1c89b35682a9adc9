//! Lists of one kind, page by page.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use ironhull_kube::{Cluster, Error};
use ironhull_model::{Node, Object, Standing, Value};
use serde::Deserialize;

use crate::discovery::Resource;
use crate::trim;

/// Objects of a page. Large enough that pages cost little, small enough that one
/// page of pods is a few megabytes.
const PAGE: usize = 500;
/// How often a list begins anew when its snapshot is gone before its end.
const RESTARTS: usize = 3;
/// Pages of a list that is read: a million objects. A server that goes on for ever ends here.
const MOST_PAGES: usize = 2000;
/// Bytes of a list, as they come: a million pods that run are fewer.
pub(crate) const LONGEST_LIST: usize = 4 << 30;
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1";

/// How much of the objects is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    Whole,
    Metadata,
    /// Secrets: everything but the values.
    Secrets,
}

impl Extent {
    /// The media type to ask for; `metadata` is that of metadata alone, which a list has
    /// another of than an event. Adds to the query what it needs.
    pub(crate) fn ask(self, query: &mut String, metadata: &'static str) -> &'static str {
        match self {
            Extent::Whole => "application/json",
            Extent::Metadata => metadata,
            Extent::Secrets => {
                query.push_str("&includeObject=Metadata");
                TABLE
            }
        }
    }
}

/// What a list holds.
pub(crate) struct Listed {
    pub(crate) objects: Vec<Object>,
    /// The `resourceVersion` that it is of.
    pub(crate) version: String,
}

/// All objects of a kind, in one namespace if one is given.
pub(crate) async fn list(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    extent: Extent,
) -> Result<Listed, Error> {
    let mut restarts = 0;
    loop {
        match pages(cluster, resource, namespace, extent).await {
            // The rest of a list that took too long is gone (410 Expired).
            Err(error) if error.code() == Some(410) && restarts < RESTARTS => restarts += 1,
            other => return other,
        }
    }
}

async fn pages(
    cluster: &Cluster,
    resource: &Resource,
    namespace: Option<&str>,
    extent: Extent,
) -> Result<Listed, Error> {
    let path = resource.path(namespace);
    let mut objects = Vec::new();
    let mut way = Way::new(LONGEST_LIST);
    let broken = |reason: String| Error::Answer { path: path.clone(), reason };
    let mut next = String::new();
    loop {
        let mut query = format!("{path}?limit={PAGE}");
        if !next.is_empty() {
            query += &format!("&continue={}", escaped(&next));
        }
        let accept = extent.ask(&mut query, METADATA);
        let body = cluster.get_as(&query, accept).await?;
        let metadata = page(resource, extent, &body, &mut objects).map_err(broken)?;
        if metadata.next.is_empty() {
            return Ok(Listed { objects, version: metadata.version });
        }
        way.goes_on(body.len(), &metadata.next).map_err(broken)?;
        next = metadata.next;
    }
}

/// The way through the pages of a list, which has an end whoever leads it.
struct Way {
    /// Hashes of the tokens so far, which may be long; nobody else knows what they hash to.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// Bytes that may still come.
    left: usize,
}

impl Way {
    fn new(longest: usize) -> Way {
        Way { seen: HashSet::new(), hasher: RandomState::new(), left: longest }
    }

    /// Takes a page of so many bytes and the token that it leads on with.
    ///
    /// # Errors
    /// Why the way is not followed.
    fn goes_on(&mut self, n_bytes: usize, token: &str) -> Result<(), String> {
        if !self.seen.insert(self.hasher.hash_one(token)) {
            return Err("its pages lead in a ring".to_owned());
        }
        if self.seen.len() >= MOST_PAGES {
            return Err(format!("it has more than {MOST_PAGES} pages"));
        }
        let left = self.left.checked_sub(n_bytes);
        self.left = left.ok_or_else(too_long)?;
        Ok(())
    }
}

/// What is said of a list that is longer than is read.
pub(crate) fn too_long() -> String {
    format!("it is longer than {} GiB", LONGEST_LIST >> 30)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: PageMetadata,
    // The API server writes null for an empty list of some kinds.
    items: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: String,
    #[serde(rename = "resourceVersion")]
    version: String,
}

/// Objects as rows, with what is printed of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: PageMetadata,
    /// A watch says them with its first event only.
    #[serde(default)]
    column_definitions: Option<Vec<Column>>,
    #[serde(default)]
    rows: Option<Vec<Row>>,
}

impl Table {
    /// Which cell of each row is the type of a Secret.
    pub(crate) fn type_at(&self) -> Option<usize> {
        self.column_definitions.iter().flatten().position(|column| column.name == "Type")
    }

    /// The metadata of each row's object, and its type.
    pub(crate) fn secrets(
        &self,
        type_at: Option<usize>,
    ) -> impl Iterator<Item = Result<(Node<'_>, &str), String>> {
        self.rows.iter().flatten().map(move |row| {
            let ty = type_at.and_then(|at| row.cells.get(at)?.as_str()).unwrap_or_default();
            let metadata = row.object.root().get("metadata").ok_or("a row without metadata")?;
            Ok((metadata, ty))
        })
    }
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
struct Row {
    cells: Vec<serde_json::Value>,
    object: Value,
}

/// Adds a page's objects; its token of the next page is empty for none.
fn page(
    resource: &Resource,
    extent: Extent,
    body: &[u8],
    objects: &mut Vec<Object>,
) -> Result<PageMetadata, String> {
    let broken = |error: serde_json::Error| error.to_string();
    if extent == Extent::Secrets {
        let table: Table = serde_json::from_slice(body).map_err(broken)?;
        if table.kind != "Table" {
            return Err(another(&table.kind, "Table"));
        }
        for secret in table.secrets(table.type_at()) {
            let (metadata, ty) = secret?;
            objects.push(trim::secret(metadata, ty).ok_or("a row without a name")?);
        }
        return Ok(table.metadata);
    }
    let read: Page = serde_json::from_slice(body).map_err(broken)?;
    // A `Status`, or the page of whoever stands before the server, is no empty list; a
    // definition may call its lists otherwise.
    if !read.kind.ends_with("List") && (read.kind.is_empty() || read.items.is_none()) {
        return Err(another(&read.kind, "list"));
    }
    let standing = if extent == Extent::Whole { Standing::Live } else { Standing::Partial };
    let api_version = resource.api_version();
    for item in read.items.into_iter().flatten() {
        let object = trim::object(&item, &api_version, &resource.kind, standing);
        objects.push(object.ok_or("an item without a name")?);
    }
    Ok(read.metadata)
}

/// A token as part of a query: servers behind the API server may write it as they like.
fn escaped(token: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    token.bytes().map(escape).collect()
}

fn another(kind: &str, wanted: &str) -> String {
    match kind {
        "" => format!("it is no {wanted}"),
        kind => format!("it is a {kind}, no {wanted}"),
    }
}

/// One object as a whole; none when it is gone by now.
pub(crate) async fn one(
    cluster: &Cluster,
    resource: &Resource,
    namespace: &str,
    name: &str,
) -> Result<Option<Object>, Error> {
    let namespace = resource.namespaced.then_some(namespace);
    let path = format!("{}/{name}", resource.path(namespace));
    let body = match cluster.get(&path).await {
        Err(error) if error.code() == Some(404) => return Ok(None),
        other => other?,
    };
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| Error::Answer { path, reason: error.to_string() })?;
    Ok(trim::object(&value, &resource.api_version(), &resource.kind, Standing::Live))
}

#[cfg(test)]
mod tests {
    use super::{Extent, MOST_PAGES, Way, escaped, page};
    use crate::discovery::Resource;

    fn read(extent: Extent, body: &str) -> Result<usize, String> {
        let resource = Resource {
            group: String::new(),
            kind: "Pod".to_owned(),
            version: "v1".to_owned(),
            name: "pods".to_owned(),
            namespaced: true,
            watched: true,
        };
        let mut objects = Vec::new();
        page(&resource, extent, body.as_bytes(), &mut objects).map(|_| objects.len())
    }

    #[test]
    fn a_way_through_pages_has_an_end() {
        let mut way = Way::new(100);
        assert_eq!(way.goes_on(40, "a"), Ok(()));
        assert_eq!(way.goes_on(60, "b"), Ok(()));
        assert_eq!(way.goes_on(0, "a").unwrap_err(), "its pages lead in a ring");
        assert_eq!(way.goes_on(1, "c").unwrap_err(), "it is longer than 4 GiB");
        let mut way = Way::new(0);
        let followed =
            (0..2 * MOST_PAGES).take_while(|n| way.goes_on(0, &n.to_string()).is_ok()).count();
        assert_eq!(followed, MOST_PAGES - 1);
    }

    #[test]
    fn a_token_is_one_part_of_a_query() {
        assert_eq!(escaped("a+b/c==&d"), "a%2Bb%2Fc%3D%3D%26d");
        assert_eq!(escaped("eyJ2-._~"), "eyJ2-._~");
    }

    #[test]
    fn what_is_no_list_is_no_empty_list() {
        let status = r#"{"kind":"Status","status":"Failure"}"#;
        for (body, why) in [
            (status, "it is a Status, no list"),
            ("{}", "it is no list"),
            (r#"{"kind":"PodList","items":[null]}"#, "an item without a name"),
            (r#"{"kind":"PodList","items":[{"metadata":{}}]}"#, "an item without a name"),
        ] {
            assert_eq!(read(Extent::Whole, body).unwrap_err(), why);
        }
        assert_eq!(read(Extent::Secrets, status).unwrap_err(), "it is a Status, no Table");
        let row = r#"{"kind":"Table","rows":[{"cells":[],"object":{"metadata":{}}}]}"#;
        assert_eq!(read(Extent::Secrets, row).unwrap_err(), "a row without a name");
        assert_eq!(read(Extent::Whole, r#"{"kind":"PodList","items":null}"#), Ok(0));
        let one = r#"{"kind":"PodList","items":[{"metadata":{"name":"a"}}]}"#;
        assert_eq!(read(Extent::Whole, one), Ok(1));
        let other = r#"{"kind":"Pods","items":[{"metadata":{"name":"a"}}]}"#;
        assert_eq!(read(Extent::Whole, other), Ok(1), "a definition names its lists");
        assert_eq!(read(Extent::Secrets, r#"{"kind":"Table","rows":null}"#), Ok(0));
    }
}
