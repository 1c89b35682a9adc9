//! `related:` — the other objects that a rule looks at.
//!
//! ```yaml
//! related:
//!   policies: { kind: NetworkPolicy, in: namespace }                                    # all of them
//!   account: { kind: ServiceAccount, in: namespace, by: metadata.name, is: pod.serviceAccountName }
//!   others: { kind: ServiceAccount, by: [metadata.namespace, metadata.name], is: "object.subjects.map(s, s.namespace + '/' + s.name)" }
//!   targets: { kind: workloads, in: namespace, selectedBy: object.spec.selector }
//!   budgets: { kind: PodDisruptionBudget, in: namespace, selecting: meta.labels }       # by: spec.selector
//! ```

use super::{Join, Node, Related, Rules, Type, kinds_of};
use ironhull_schema::{POD_KINDS, WORKLOAD_KINDS};

impl<'a> Rules<'_, 'a, '_> {
    pub(super) fn related(&mut self) -> Vec<Related> {
        let Some(node) = self.reader.get("related") else { return Vec::new() };
        let mut all = Vec::new();
        for (name, item) in node.entries() {
            if let Some(related) = self.relation(name, item) {
                self.declare(&related);
                all.push(related);
            }
        }
        all
    }

    fn relation(&mut self, name: &str, item: Node<'a>) -> Option<Related> {
        let mut reader = self.reader.nested(item);
        let names = reader.strs("kind");
        if names.is_empty() {
            reader.wrong(item, "related: the field kind is missing");
        }
        let mut kinds = Vec::new();
        let mut unowned = false;
        let own = |kinds: &[(&str, &str)]| -> Vec<(Box<str>, Box<str>)> {
            kinds.iter().map(|(group, kind)| ((*group).into(), (*kind).into())).collect()
        };
        for kind in names {
            match kind {
                "pods" => kinds.extend(own(POD_KINDS)),
                "workloads" => {
                    unowned = true;
                    kinds.extend(own(WORKLOAD_KINDS));
                }
                _ => kinds.extend(kinds_of(&mut reader, item, kind)),
            }
        }
        let in_namespace = match reader.str("in") {
            None => false,
            Some("namespace") => true,
            Some(other) => {
                reader
                    .wrong(item, format!("in: {other:?} is not known; the only one is namespace"));
                false
            }
        };
        let path = |text: &str| text.split('.').map(Into::into).collect();
        let by = reader.strs("by");
        let texts = ["is", "selectedBy", "selecting"].map(|field| reader.get(field));
        reader.finish();
        let join = match (by.as_slice(), texts) {
            ([], [None, None, None]) => Join::All,
            ([_, ..], [Some(is), None, None]) => {
                Join::By { paths: by.into_iter().map(path).collect(), is: self.compile(is)? }
            }
            ([], [None, Some(selector), None]) => Join::SelectedBy(self.compile(selector)?),
            ([], [None, None, Some(labels)]) => {
                Join::Selecting { path: path("spec.selector"), labels: self.compile(labels)? }
            }
            ([by], [None, None, Some(labels)]) => {
                Join::Selecting { path: path(by), labels: self.compile(labels)? }
            }
            _ => {
                let known = "by and is, or selectedBy, or selecting (with by), or none";
                self.reader.wrong(item, format!("related: {name} joins by {known}"));
                return None;
            }
        };
        Some(Related { name: name.into(), kinds, unowned, in_namespace, join })
    }

    /// A list of objects; typed where all are of one kind.
    fn declare(&mut self, related: &Related) {
        for scope in self.scopes.iter_mut().chain(&mut self.variants) {
            let item = match related.kinds.as_slice() {
                [(group, kind)] => scope.kind_type(group, kind),
                _ => Type::Dyn,
            };
            scope.variable(&related.name, Type::List(item.into()));
        }
    }
}
