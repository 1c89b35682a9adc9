//! `#[claims("BLD-12")]` on a test: the test asserts the statement of a row of
//! `docs/requirements.tsv`, the whole of it or, with `part = "…"`, a part.
//! `cargo xtask docs` lists the claims; a row that does not exist is an error here.

use proc_macro::{TokenStream, TokenTree};

const ROWS: &str = include_str!("../../../docs/requirements.tsv");

/// Marks a test as the proof of a requirement. Changes nothing about the test.
#[proc_macro_attribute]
pub fn claims(args: TokenStream, item: TokenStream) -> TokenStream {
    match problem(args) {
        None => item,
        Some(problem) => {
            let mut out: TokenStream =
                format!("compile_error!({problem:?});").parse().unwrap_or_default();
            out.extend(item);
            out
        }
    }
}

fn problem(args: TokenStream) -> Option<String> {
    let mut tokens = args.into_iter();
    let Some(TokenTree::Literal(row)) = tokens.next() else {
        return Some("claims needs a row, such as claims(\"BLD-12\")".to_owned());
    };
    let row = row.to_string();
    let id = row.trim_matches('"');
    let exists = ROWS.lines().any(|line| line.split('\t').next() == Some(id));
    let rest: Vec<String> = tokens.map(|token| token.to_string()).collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        _ if !exists => Some(format!("{id} is no row of docs/requirements.tsv")),
        [] | [",", "part", "=", _] => None,
        _ => Some("behind the row only part = \"…\" may stand".to_owned()),
    }
}
