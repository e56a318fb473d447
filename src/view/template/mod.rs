//! Go's templates, as `kubectl -o go-template` takes them: text with `{{...}}` in it, fields, pipelines, `if`, `with`, `range`,
//! variables, templates with names, Go's functions, and kubectl's `exists` and `base64decode`.
//!
//! Unlike in kubectl nothing is printed when a template does not fit, and a template that goes on without end is stopped. `%T`
//! calls every whole number `int`.

mod datum;
mod function;
mod parse;
mod print;
mod run;
mod scan;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use datum::Datum;
use function::Function;

/// A template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    source: String,
    nodes: Vec<Node>,
    named: BTreeMap<String, Vec<Node>>,
}

/// Where a part of a template begins, in bytes.
type At = usize;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Text outside of braces.
    Text(String),
    /// What a pipeline gives; nothing where it declares a variable.
    Show(Pipe),
    /// `if`, with what is after `else`.
    If(Branch),
    /// `with`.
    With(Branch),
    /// `range`.
    Range(Branch),
    /// `template "name" pipeline`.
    Named(At, String, Option<Pipe>),
    /// `break`.
    Break,
    /// `continue`.
    Continue,
}

#[derive(Clone, Debug, PartialEq)]
struct Branch {
    pipe: Pipe,
    then: Vec<Node>,
    otherwise: Vec<Node>,
}

/// `$a := first | second`.
#[derive(Clone, Debug, PartialEq)]
struct Pipe {
    variables: Vec<String>,
    /// `=` rather than `:=`.
    assigns: bool,
    commands: Vec<Command>,
}

/// Words of which the first may be a function.
#[derive(Clone, Debug, PartialEq)]
struct Command {
    words: Vec<Word>,
}

/// An operand, and the fields of it that are meant.
#[derive(Clone, Debug, PartialEq)]
struct Word {
    at: At,
    term: Term,
    fields: Vec<(At, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Dot,
    Nil,
    Bool(bool),
    Whole(i64),
    Decimal(f64),
    Text(String),
    Variable(String),
    Function(Function),
    Pipe(Pipe),
}

/// Why a text is no template, or does not fit a document.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {why}")]
pub struct Misfit {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub why: String,
}

/// The same, before its place is counted.
struct Wrong {
    at: At,
    why: String,
}

fn wrong(at: At, why: impl fmt::Display) -> Wrong {
    Wrong {
        at,
        why: why.to_string(),
    }
}

impl Wrong {
    fn within(self, source: &str) -> Misfit {
        let before = source.get(..self.at).unwrap_or(source);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Misfit {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            why: self.why,
        }
    }
}

impl std::str::FromStr for Template {
    type Err = Misfit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = scan::tokens(text).and_then(|tokens| parse::template(&tokens, text.len()));
        let (nodes, named) = read.map_err(|wrong| wrong.within(text))?;
        Ok(Self {
            source: text.to_owned(),
            nodes,
            named,
        })
    }
}

impl Template {
    /// Fills in the template.
    ///
    /// # Errors
    /// When a field, a function or a comparison does not fit what the document has there, or there is no end to it.
    pub fn fill(&self, document: &Value) -> Result<String, Misfit> {
        let datum = Datum::from(document);
        run::fill(&self.nodes, &self.named, datum).map_err(|wrong| wrong.within(&self.source))
    }
}
