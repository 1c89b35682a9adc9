//! Which inputs an expression names, itself or by the variables that it reads.

use super::{NAMES, Variables};
use crate::Program;

/// An input that an expression names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// `object`, `request`, `authorizer`, ….
    pub input: &'static str,
    /// The member that it takes of it; none when it takes all of it.
    pub member: Option<Box<str>>,
}

/// The inputs that a program may look at, those that its variables name among them.
pub fn named(program: &Program, variables: &Variables) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    let mut is_known = vec![false; variables.len()];
    let mut programs = vec![program];
    while let Some(program) = programs.pop() {
        program.expr.named(&mut |slot, member| match NAMES.get(slot) {
            Some(&"variables") => {
                let one = member.and_then(|name| variables.named(name));
                let read: Vec<_> = match member {
                    Some(_) => one.into_iter().collect(),
                    None => variables.programs().collect(),
                };
                for (at, program) in read {
                    if !std::mem::replace(&mut is_known[at], true) {
                        programs.extend(program);
                    }
                }
            }
            Some(input) => {
                let named = Named { input, member: member.map(Box::from) };
                if !all.contains(&named) {
                    all.push(named);
                }
            }
            None => {}
        });
    }
    all
}
