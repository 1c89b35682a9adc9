//! Repairs: the control's steps, pointed at the object at hand.

use ironhull_cel::{Binding, Context, Val};
use ironhull_model::{Builder, Node, Pointer, Repair, RepairStep, Value};

use super::cel_rule::{Outcome, Run, outcome};
use super::findings;
use crate::control::{Literal, Step, Target};
use crate::environment::slot;

impl<'a> Run<'_, 'a> {
    pub(super) fn repair(&self) -> Repair {
        let steps = self.rule.repair.iter().filter_map(|step| self.step(step)).collect();
        Repair::new(steps, self.judge.names[self.index].may.as_ref())
    }

    fn step(&self, step: &Step) -> Option<RepairStep> {
        Some(match step {
            Step::Set(target, literal) => {
                RepairStep::Set { pointer: self.pointer(target)?, value: self.value(literal) }
            }
            Step::Append(target, literal) => {
                RepairStep::Append { pointer: self.pointer(target)?, value: self.value(literal) }
            }
            Step::Remove(target) => {
                let pointer = self.pointer(target)?;
                self.subject.object.value.at(&pointer)?;
                RepairStep::Remove { pointer }
            }
            Step::Prune(target) => {
                let node = self.node(target)?;
                if self.is_still_used(node) {
                    return None;
                }
                RepairStep::Remove { pointer: self.pointer(target)? }
            }
            Step::Create(literal) => RepairStep::Create { object: self.value(literal) },
            Step::Ask(template) => RepairStep::Ask { question: self.render(template) },
        })
    }

    fn node(&self, target: &Target) -> Option<Node<'a>> {
        match self.bindings.get(target.slot)? {
            Binding::Val(value) => value.node(),
            _ => None,
        }
    }

    /// Where a target stands in the subject. Template metadata that is not there
    /// yet is found beside the pod spec.
    fn pointer(&self, target: &Target) -> Option<Pointer> {
        if let Some(node) = self.node(target) {
            let own = std::ptr::eq(node.value(), &raw const self.subject.object.value);
            return own.then(|| findings::target(node, &target.path));
        }
        if target.slot != slot::META {
            return None;
        }
        let (template, _) = self.subject.pod?.pointer().split_last()?;
        let mut pointer = template.join("metadata");
        target.path.iter().for_each(|name| pointer.push(name));
        Some(pointer)
    }

    /// Whether more than one mount refers to a volume.
    fn is_still_used(&self, volume: Node<'a>) -> bool {
        let (Some(pod), Some(name)) = (self.subject.pod, volume.get("name").and_then(Node::as_str))
        else {
            return true;
        };
        let mounts = ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .filter_map(|list| pod.get(list))
            .flat_map(Node::items)
            .flat_map(|container| {
                ["volumeMounts", "volumeDevices"]
                    .into_iter()
                    .filter_map(move |list| container.get(list))
            })
            .flat_map(Node::items);
        mounts.filter(|mount| mount.get("name").and_then(Node::as_str) == Some(name)).count() > 1
    }

    fn value(&self, literal: &Literal) -> Value {
        let mut builder = Builder::new();
        self.write(literal, &mut builder);
        builder.finish()
    }

    fn write(&self, literal: &Literal, builder: &mut Builder) {
        match literal {
            Literal::Json(text) => match serde_json::from_str::<Value>(text) {
                Ok(value) => builder.copy(value.root()),
                Err(_) => builder.null(0, 0),
            },
            Literal::Text(template) => builder.str(&self.render(template), 0, 0),
            Literal::Value(expression) => {
                let mut context = Context::new();
                context.host = Some(&self.functions);
                match outcome(expression.program.eval(self.bindings, &mut context)) {
                    Outcome::Value(value) => write_val(&value, builder),
                    _ => builder.null(0, 0),
                }
            }
            Literal::List(items) => {
                builder.begin_list(0);
                items.iter().for_each(|item| self.write(item, builder));
                builder.end(0);
            }
            Literal::Map(members) => {
                builder.begin_map(0);
                for (key, item) in members {
                    builder.key(key, 0);
                    self.write(item, builder);
                }
                builder.end(0);
            }
        }
    }
}

fn write_val(value: &Val<'_>, builder: &mut Builder) {
    builder.copy(value.to_value().root());
}
