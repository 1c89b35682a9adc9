//! A policy's expressions, compiled.

use ironhull_cel::policy::Variables;
use ironhull_model::Minor;

use crate::expression::{Compiler, Expression, Wants};
use crate::policy::{Named, PatchType, Policy};

/// A policy, compiled.
#[derive(Debug)]
pub(crate) struct Program {
    pub(super) conditions: Vec<Expression>,
    pub(crate) variables: Variables,
    /// What is wrong with named values, by their places.
    broken: Vec<(usize, String)>,
    pub(super) validations: Vec<Expression>,
    pub(super) messages: Vec<Option<Expression>>,
    pub(super) annotations: Vec<Expression>,
    pub(crate) mutations: Vec<Expression>,
    patches: Vec<PatchType>,
}

impl Program {
    pub(crate) fn compile(policy: &Policy<'_>, minor: Minor) -> Program {
        let mut compiler = Compiler::new(minor, policy.param_kind.is_some());
        let mut broken = Vec::new();
        for (index, named) in policy.variables.iter().enumerate() {
            if let Err(error) = compiler.variable(named) {
                broken.push((index, error));
            }
        }
        let all = |named: &[Named<'_>], wants| {
            named.iter().map(|named| compiler.compile(named.expression, wants)).collect()
        };
        let message = |text: &str| (!text.is_empty()).then(|| compiler.compile(text, Wants::Text));
        Program {
            conditions: all(&policy.conditions, Wants::Bool),
            variables: compiler.variables(),
            broken,
            validations: policy
                .validations
                .iter()
                .map(|validation| compiler.compile(validation.expression, Wants::Bool))
                .collect(),
            messages: policy
                .validations
                .iter()
                .map(|validation| message(validation.message_expression))
                .collect(),
            annotations: all(&policy.annotations, Wants::TextOrNull),
            mutations: policy
                .mutations
                .iter()
                .map(|mutation| {
                    let wants = match mutation.patch {
                        PatchType::ApplyConfiguration => Wants::Object,
                        PatchType::JsonPatch => Wants::Patch,
                    };
                    compiler.compile(mutation.expression, wants)
                })
                .collect(),
            patches: policy.mutations.iter().map(|mutation| mutation.patch).collect(),
        }
    }

    /// Whether a validation may read the object, by variables too.
    pub(crate) fn sees_object(&self, validation: usize) -> bool {
        let expression = self.validations.get(validation);
        expression.is_some_and(|it| it.named.iter().any(|named| named.input == "object"))
    }

    /// Match conditions that do not compile where there are no variables, which is
    /// how they are accepted: their places, and why.
    pub(crate) fn broken_conditions(policy: &Policy<'_>, minor: Minor) -> Vec<(usize, String)> {
        let compiler = Compiler::new(minor, policy.param_kind.is_some());
        let failed = policy.conditions.iter().enumerate().filter_map(|(index, named)| {
            let expression = compiler.compile(named.expression, Wants::Bool);
            expression.program.err().map(|error| (index, error))
        });
        failed.collect()
    }

    /// What does not compile: its place in the policy, and why.
    /// Match conditions are accepted apart.
    pub(crate) fn broken(&self) -> Vec<(String, &str)> {
        let mut broken: Vec<(String, &str)> = Vec::new();
        for (index, error) in &self.broken {
            broken.push((format!("spec.variables[{index}].expression"), error));
        }
        broken.extend(failed("validations", "expression", self.validations.iter().map(Some)));
        let messages = self.messages.iter().map(Option::as_ref);
        broken.extend(failed("validations", "messageExpression", messages));
        let annotations = self.annotations.iter().map(Some);
        broken.extend(failed("auditAnnotations", "valueExpression", annotations));
        for (index, expression) in self.mutations.iter().enumerate() {
            if let Err(error) = &expression.program {
                let member = match self.patches[index] {
                    PatchType::ApplyConfiguration => "applyConfiguration",
                    PatchType::JsonPatch => "jsonPatch",
                };
                broken.push((format!("spec.mutations[{index}].{member}.expression"), error));
            }
        }
        broken
    }
}

fn failed<'p>(
    list: &str,
    member: &str,
    expressions: impl Iterator<Item = Option<&'p Expression>>,
) -> Vec<(String, &'p str)> {
    let failed = expressions.enumerate().filter_map(|(index, expression)| {
        let error = expression?.program.as_ref().err()?;
        Some((format!("spec.{list}[{index}].{member}"), error.as_str()))
    });
    failed.collect()
}
