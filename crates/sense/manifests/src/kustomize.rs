//! What kustomizations take in: a base that an overlay takes in is a part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ironhull_model::{Node, SourceId};

use crate::{Limits, read};

/// Those of some kustomizations that others of them take in, directly or by others
/// still. Where they take in each other none is a part.
pub(crate) fn taken_in<'p>(roots: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    let by_place: BTreeMap<PathBuf, &Path> =
        roots.filter_map(|root| Some((root.canonicalize().ok()?, root))).collect();
    if by_place.len() < 2 {
        return BTreeSet::new();
    }
    let parts: BTreeMap<&Path, Vec<PathBuf>> =
        by_place.iter().map(|(place, root)| (place.as_path(), parts(root))).collect();
    let reach = |from: &Path| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(place) = open.pop() {
            for part in parts.get(place.as_path()).into_iter().flatten() {
                if by_place.contains_key(part) && reached.insert(part.clone()) {
                    open.push(part.clone());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&Path, BTreeSet<PathBuf>> =
        by_place.keys().map(|place| (place.as_path(), reach(place))).collect();
    let is_part = |place: &Path| {
        reached.iter().any(|(by, below)| below.contains(place) && !reached[place].contains(*by))
    };
    by_place
        .iter()
        .filter(|(place, _)| is_part(place))
        .map(|(_, root)| (*root).to_owned())
        .collect()
}

/// The folders that a kustomization names.
fn parts(root: &Path) -> Vec<PathBuf> {
    let files = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let Some(file) = files.iter().map(|name| root.join(name)).find(|file| file.is_file()) else {
        return Vec::new();
    };
    let Ok(text) = read(&file, &Limits::default()) else { return Vec::new() };
    let parsed = ironhull_yaml::parse(SourceId(0), &text, &ironhull_yaml::Limits::default());
    let Some(document) = parsed.documents.first() else { return Vec::new() };
    ["resources", "bases", "components"]
        .into_iter()
        .filter_map(|field| document.value.root().get(field))
        .flat_map(Node::items)
        .filter_map(|item| root.join(item.as_str()?).canonicalize().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::{Found, discover};

    fn found(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        let folder = std::env::temp_dir().join(format!("ironhull-k-{}-{name}", std::process::id()));
        _ = std::fs::remove_dir_all(&folder);
        for (path, resources) in files {
            std::fs::create_dir_all(folder.join(path)).unwrap();
            std::fs::write(folder.join(path).join("kustomization.yaml"), resources).unwrap();
        }
        let shown =
            |root: PathBuf, folder: &Path| root.strip_prefix(folder).unwrap().display().to_string();
        let found = discover(&folder).found.into_iter().map(|found| match found {
            Found::Kustomization(root) => shown(root, &folder),
            other => panic!("{other:?}"),
        });
        let found = found.collect();
        std::fs::remove_dir_all(folder).unwrap();
        found
    }

    #[test]
    fn a_base_is_a_part_of_its_overlays() {
        let files = [
            ("base", "resources: [deployment.yaml]\n"),
            ("common", "resources: [../base, https://a.example/x]\n"),
            ("overlays/prod", "resources: [../../common]\n"),
            ("overlays/dev", "bases: [../../base/]\n"),
            ("alone", "resources: [a.yaml]\n"),
        ];
        assert_eq!(found("parts", &files), ["alone", "overlays/dev", "overlays/prod"]);
    }

    #[test]
    fn those_that_take_in_each_other_are_all_looked_at() {
        let files = [("a", "resources: [../b]\n"), ("b", "resources: [../a]\n")];
        assert_eq!(found("circle", &files), ["a", "b"]);
    }
}
