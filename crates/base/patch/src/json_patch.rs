//! JSON Patch (RFC 6902) as the API server applies it: with the leniencies and the
//! error texts of `gopkg.in/evanphx/json-patch.v4`.

use ironhull_model::{Builder, Kind, Node, Value};

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`.
    pub op: &'a str,
    /// Where.
    pub path: &'a str,
    /// From where, for `move` and `copy`.
    pub from: &'a str,
    /// What; none where nothing was given.
    pub value: Option<&'a Value>,
}

/// A document that is being changed: what is not touched stays a node of its own.
#[derive(Clone)]
enum Tree<'a> {
    Leaf(Node<'a>),
    Null,
    Map(Vec<(String, Tree<'a>)>),
    List(Vec<Tree<'a>>),
}

/// Applies operations in their order. None when a `test` fails: nothing is changed then.
///
/// # Errors
/// An operation that does not apply, in the library's words.
pub fn apply(value: &Value, operations: &[Operation<'_>]) -> Result<Option<Value>, String> {
    let mut document = Tree::of(value.root());
    for operation in operations {
        if !document.apply(operation)? {
            return Ok(None);
        }
    }
    let mut builder = if value.has_spans() { Builder::with_spans() } else { Builder::new() };
    document.write(&mut builder);
    Ok(Some(builder.finish()))
}

const MISSING: &str = "missing value";
const INVALID: &str = "invalid index referenced";

fn decoded(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn invalid_index(index: i64) -> String {
    format!("Unable to access invalid index: {index}: {INVALID}")
}

/// Go's `strconv.Atoi`.
fn index(key: &str) -> Result<i64, String> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {key:?}: invalid syntax"))
}

impl<'a> Tree<'a> {
    fn of(node: Node<'a>) -> Tree<'a> {
        match node.kind() {
            Kind::Map => Tree::Map(
                node.entries().map(|(key, child)| (key.to_owned(), Tree::Leaf(child))).collect(),
            ),
            Kind::List => Tree::List(node.items().map(Tree::Leaf).collect()),
            _ => Tree::Leaf(node),
        }
    }

    /// Opens a container of the document.
    fn opened(&mut self) -> &mut Tree<'a> {
        if let Tree::Leaf(node) = self {
            *self = Tree::of(*node);
        }
        self
    }

    fn is_null(&self) -> bool {
        match self {
            Tree::Null => true,
            Tree::Leaf(node) => node.is_null(),
            _ => false,
        }
    }

    /// The container in which a path's last name stands, and that name.
    fn find(&mut self, path: &str) -> Option<(&mut Tree<'a>, String)> {
        let parts: Vec<&str> = path.split('/').collect();
        let (last, between) = parts.get(1..)?.split_last()?;
        let mut tree = self.opened();
        for part in between {
            let key = decoded(part);
            let next = match tree {
                Tree::Map(entries) => {
                    entries.iter_mut().find(|(name, _)| *name == key).map(|(_, child)| child)
                }
                Tree::List(items) => items.get_mut(usize::try_from(index(&key).ok()?).ok()?),
                _ => None,
            };
            tree = next.filter(|next| !next.is_null())?.opened();
        }
        matches!(tree, Tree::Map(_) | Tree::List(_)).then(|| (tree, decoded(last)))
    }

    fn place(items: &[Tree<'a>], key: &str, room: i64) -> Result<usize, String> {
        let at = index(key)?;
        let size = items.len() as i64 + room;
        if at >= size || at < -size {
            return Err(invalid_index(at));
        }
        Ok(if at < 0 { at + size } else { at } as usize)
    }

    fn get(&self, key: &str) -> Result<Option<Tree<'a>>, String> {
        match self {
            Tree::Map(entries) => {
                Ok(entries.iter().find(|(name, _)| name == key).map(|(_, child)| child.clone()))
            }
            Tree::List(items) => Ok(Some(items[Tree::place(items, key, 0)?].clone())),
            _ => Ok(None),
        }
    }

    fn add(&mut self, key: String, value: Tree<'a>) -> Result<(), String> {
        match self {
            Tree::Map(entries) => match entries.iter_mut().find(|(name, _)| *name == key) {
                Some((_, known)) => *known = value,
                None => entries.push((key, value)),
            },
            Tree::List(items) if key == "-" => items.push(value),
            Tree::List(items) => {
                if let Err(error) = index(&key) {
                    return Err(format!("value was not a proper array index: '{key}': {error}"));
                }
                items.insert(Tree::place(items, &key, 1)?, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn set(&mut self, key: String, value: Tree<'a>) -> Result<(), String> {
        match self {
            Tree::List(items) => {
                let at = Tree::place(items, &key, 0)?;
                items[at] = value;
                Ok(())
            }
            _ => self.add(key, value),
        }
    }

    fn remove(&mut self, key: &str) -> Result<(), String> {
        match self {
            Tree::Map(entries) => {
                let at = entries.iter().position(|(name, _)| name == key);
                let at = at
                    .ok_or_else(|| format!("Unable to remove nonexistent key: {key}: {MISSING}"))?;
                entries.remove(at);
            }
            Tree::List(items) => _ = items.remove(Tree::place(items, key, 0)?),
            _ => {}
        }
        Ok(())
    }

    /// False when a test fails.
    fn apply(&mut self, operation: &Operation<'a>) -> Result<bool, String> {
        let Operation { op, path, from, .. } = *operation;
        let value = operation.value.map_or(Tree::Null, |value| Tree::Leaf(value.root()));
        let lost = |what: &str, path: &str| {
            format!("{op} operation does not apply: doc is missing {what}: {path}: {MISSING}")
        };
        match op {
            "add" | "remove" => {
                let quoted = format!("\"{path}\"");
                let (tree, key) = self.find(path).ok_or_else(|| lost("path", &quoted))?;
                let done = if op == "add" { tree.add(key, value) } else { tree.remove(&key) };
                done.map_err(|error| format!("error in {op} for path: '{path}': {error}"))?;
            }
            "replace" if path.is_empty() => *self = value,
            "replace" => {
                let (tree, key) = self.find(path).ok_or_else(|| lost("path", path))?;
                tree.get(&key).map_err(|_| lost("key", path))?;
                tree.set(key, value)
                    .map_err(|error| format!("error in remove for path: '{path}': {error}"))?;
            }
            "move" => {
                let (tree, key) = self.find(from).ok_or_else(|| lost("from path", from))?;
                let wrong = |error| format!("error in move for path: '{key}': {error}");
                let moved = tree.get(&key).map_err(wrong)?.unwrap_or(Tree::Null);
                tree.remove(&key).map_err(wrong)?;
                let (tree, key) = self.find(path).ok_or_else(|| lost("destination path", path))?;
                tree.add(key, moved)
                    .map_err(|error| format!("error in move for path: '{path}': {error}"))?;
            }
            "copy" => {
                let (tree, key) = self.find(from).ok_or_else(|| lost("from path", from))?;
                let copied = tree
                    .get(&key)
                    .map_err(|error| format!("error in copy for from: '{from}': {error}"))?;
                let (tree, key) = self.find(path).ok_or_else(|| lost("destination path", path))?;
                tree.add(key, copied.unwrap_or(Tree::Null))
                    .map_err(|error| format!("error while adding value during copy: {error}"))?;
            }
            "test" => return self.test(path, operation.value),
            other => return Err(format!("Unexpected kind: {other}")),
        }
        Ok(true)
    }

    fn test(&mut self, path: &str, wanted: Option<&Value>) -> Result<bool, String> {
        let found = if path.is_empty() {
            Some(self.clone())
        } else {
            let missing =
                || format!("test operation does not apply: is missing path: {path}: {MISSING}");
            let (tree, key) = self.find(path).ok_or_else(missing)?;
            tree.get(&key).map_err(|error| format!("error in test for path: '{path}': {error}"))?
        };
        let Some(found) = found.filter(|found| !found.is_null()) else {
            return Ok(wanted.is_none_or(|value| value.root().is_null()));
        };
        let mut builder = Builder::new();
        found.write(&mut builder);
        let found = builder.finish();
        Ok(wanted.is_some_and(|wanted| wanted.root() == found.root()))
    }

    fn write(&self, builder: &mut Builder) {
        match self {
            Tree::Leaf(node) => builder.copy(*node),
            Tree::Null => builder.null(0, 0),
            Tree::Map(entries) => {
                builder.begin_map(0);
                for (key, child) in entries {
                    builder.key(key, 0);
                    child.write(builder);
                }
                builder.end(0);
            }
            Tree::List(items) => {
                builder.begin_list(0);
                items.iter().for_each(|child| child.write(builder));
                builder.end(0);
            }
        }
    }
}
