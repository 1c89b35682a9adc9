//! Tests marked `#[claims("ROW")]`, found by parsing the sources: an attribute on
//! a function that is a test, never a text match.

use std::path::Path;

use anyhow::{Context, Result};
use syn::{Attribute, Expr, Item, Lit};

use crate::root;

/// A test that proves a requirement.
pub(crate) struct Claim {
    /// `BLD-12`.
    pub(crate) row: String,
    /// Which part; none is the whole.
    pub(crate) part: Option<String>,
    /// The test's name.
    pub(crate) test: String,
}

/// All claims of the workspace, in order of their rows.
pub(crate) fn all() -> Result<Vec<Claim>> {
    let mut claims = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        walk(&root()?.join(folder), &mut claims)?;
    }
    claims.sort_by(|a, b| (&a.row, &a.test).cmp(&(&b.row, &b.test)));
    Ok(claims)
}

fn walk(folder: &Path, claims: &mut Vec<Claim>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, claims)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path)?;
            // Most files have none, and parsing is what takes the time.
            if text.contains("claims(") {
                let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
                items(&file.items, claims)?;
            }
        }
    }
    Ok(())
}

fn items(all: &[Item], claims: &mut Vec<Claim>) -> Result<()> {
    for item in all {
        match item {
            Item::Mod(module) => {
                items(module.content.as_ref().map_or(&[], |(_, items)| items), claims)?;
            }
            Item::Fn(function) => {
                let is_test = function.attrs.iter().any(|attr| attr.path().is_ident("test"));
                for attr in function.attrs.iter().filter(|attr| attr.path().is_ident("claims")) {
                    let test = function.sig.ident.to_string();
                    anyhow::ensure!(is_test, "{test} claims a row and is no test");
                    claims.push(claim(attr, test)?);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn claim(attr: &Attribute, test: String) -> Result<Claim> {
    let text = |expr: &Expr| match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let args = attr
        .parse_args_with(syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated)?;
    let mut args = args.iter();
    let row = args.next().and_then(text).with_context(|| format!("{test}: claims names no row"))?;
    let part = match args.next() {
        Some(Expr::Assign(part)) => text(&part.right),
        _ => None,
    };
    Ok(Claim { row, part, test })
}
