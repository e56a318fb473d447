//! Filling in a template.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::Value;

use super::{
    At, Branch, Command, Node, Pipe, Term, Word, Wrong, datum::Datum, function::Function, print, wrong,
};

/// How deep templates may call one another.
const DEEPEST: usize = 400;

/// How many nodes are filled in at most, so that no template goes on for ever.
const LONGEST: usize = 10_000_000;

/// How long what is printed and what functions made may become together, in bytes.
const LARGEST: usize = 64 << 20;

/// Whether the nodes that follow are filled in too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// Fills in nodes from a document.
pub(super) fn fill<'a>(
    nodes: &'a [Node],
    named: &'a BTreeMap<String, Vec<Node>>,
    document: Datum<'a>,
) -> Result<String, Wrong> {
    let mut run = Run {
        named,
        variables: vec![("", document.clone())],
        printed: String::new(),
        made: 0,
        steps: 0,
        depth: 0,
    };
    run.walk(nodes, &document)?;
    Ok(run.printed)
}

struct Run<'a> {
    named: &'a BTreeMap<String, Vec<Node>>,
    /// The last of a name is meant.
    variables: Vec<(&'a str, Datum<'a>)>,
    printed: String,
    /// Bytes of text that functions made.
    made: usize,
    steps: usize,
    depth: usize,
}

impl<'a> Run<'a> {
    fn step(&mut self, at: At) -> Result<(), Wrong> {
        self.steps += 1;
        if self.steps > LONGEST || self.printed.len() + self.made > LARGEST {
            return Err(wrong(at, "this goes on for too long"));
        }
        Ok(())
    }

    fn walk(&mut self, nodes: &'a [Node], dot: &Datum<'a>) -> Result<Flow, Wrong> {
        for node in nodes {
            self.step(0)?;
            match node {
                Node::Text(text) => self.printed.push_str(text),
                Node::Show(pipe) => {
                    let value = self.pipe(pipe, dot)?;
                    if pipe.variables.is_empty() {
                        self.printed.push_str(&print::shown(&value));
                    }
                }
                Node::If(branch) | Node::With(branch) => {
                    let known = self.variables.len();
                    let value = self.pipe(&branch.pipe, dot)?;
                    let flow = match (value.truth(), node) {
                        (true, Node::With(_)) => self.walk(&branch.then, &value)?,
                        (true, _) => self.walk(&branch.then, dot)?,
                        (false, _) => self.walk(&branch.otherwise, dot)?,
                    };
                    self.variables.truncate(known);
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Node::Range(branch) => {
                    let known = self.variables.len();
                    let flow = self.range(branch, dot)?;
                    self.variables.truncate(known);
                    if flow != Flow::On {
                        return Ok(flow);
                    }
                }
                Node::Named(at, name, pipe) => {
                    let value = match pipe {
                        Some(pipe) => self.pipe(pipe, dot)?,
                        None => Datum::Missing,
                    };
                    self.call(*at, name, value)?;
                }
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::On)
    }

    fn call(&mut self, at: At, name: &str, dot: Datum<'a>) -> Result<(), Wrong> {
        let nodes = self
            .named
            .get(name)
            .ok_or_else(|| wrong(at, format!("template {name:?} not defined")))?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(
                at,
                format!("templates call one another more than {DEEPEST} deep"),
            ));
        }
        let variables = std::mem::replace(&mut self.variables, vec![("", dot.clone())]);
        self.walk(nodes, &dot)?;
        self.variables = variables;
        self.depth -= 1;
        Ok(())
    }

    /// What `range` does; breaks of its own stay within.
    fn range(&mut self, branch: &'a Branch, dot: &Datum<'a>) -> Result<Flow, Wrong> {
        let over = self.pipe(&branch.pipe, dot)?;
        let mut is_empty = true;
        let items: Box<dyn Iterator<Item = (Datum<'a>, Datum<'a>)> + 'a> = match over {
            Datum::Missing | Datum::Null => Box::new(std::iter::empty()),
            Datum::List(elements) => {
                let indices = (0_i64..).map(Datum::Whole);
                Box::new(indices.zip(elements.iter().map(Datum::from)))
            }
            Datum::Map(fields) => {
                let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
                fields.sort_by_key(|(name, _)| *name);
                let text = |name: &'a String| Datum::Text(Cow::Borrowed(name));
                Box::new(
                    fields
                        .into_iter()
                        .map(move |(name, value)| (text(name), value.into())),
                )
            }
            Datum::Whole(count) if branch.pipe.variables.len() > 1 => {
                let why = format!("can't use {count} to iterate over more than one variable");
                return Err(wrong(place(&branch.pipe), why));
            }
            Datum::Whole(count) => Box::new((0..count).map(|n| (Datum::Whole(n), Datum::Whole(n)))),
            Datum::Bool(_) | Datum::Decimal(_) | Datum::Text(_) => {
                let at = place(&branch.pipe);
                return Err(wrong(
                    at,
                    format!(
                        "range can't iterate over {}, {}",
                        print::shown(&over),
                        over.kind()
                    ),
                ));
            }
        };
        let known = self.variables.len();
        for (index, element) in items {
            is_empty = false;
            self.step(place(&branch.pipe))?;
            let names = &branch.pipe.variables;
            let given: &[Datum<'a>] = match names.len() {
                0 => &[],
                1 => std::slice::from_ref(&element),
                _ => &[index, element.clone()],
            };
            for (name, value) in names.iter().zip(given) {
                self.set(place(&branch.pipe), name, value.clone())?;
            }
            let flow = self.walk(&branch.then, &element)?;
            self.variables.truncate(known);
            if flow == Flow::Break {
                break;
            }
        }
        if is_empty {
            return self.walk(&branch.otherwise, dot);
        }
        Ok(Flow::On)
    }

    fn set(&mut self, at: At, name: &str, value: Datum<'a>) -> Result<(), Wrong> {
        let known = self.variables.iter_mut().rev().find(|(known, _)| *known == name);
        let (_, known) = known.ok_or_else(|| wrong(at, format!("undefined variable ${name}")))?;
        *known = value;
        Ok(())
    }

    fn pipe(&mut self, pipe: &'a Pipe, dot: &Datum<'a>) -> Result<Datum<'a>, Wrong> {
        let mut last = None;
        for command in &pipe.commands {
            let value = self.command(command, dot, last)?;
            last = Some(if value.is_nil() { Datum::Missing } else { value });
        }
        let value = last.unwrap_or(Datum::Missing);
        for name in &pipe.variables {
            if pipe.assigns {
                self.set(place(pipe), name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(
        &mut self,
        command: &'a Command,
        dot: &Datum<'a>,
        last: Option<Datum<'a>>,
    ) -> Result<Datum<'a>, Wrong> {
        let Some((first, others)) = command.words.split_first() else {
            return Ok(Datum::Missing);
        };
        if let Term::Function(function) = first.term {
            return self.function(first.at, function, others, dot, last);
        }
        if !others.is_empty() || last.is_some() {
            return Err(wrong(first.at, "only a function can be given arguments"));
        }
        if matches!(first.term, Term::Nil) {
            return Err(wrong(first.at, "nil is not a command"));
        }
        self.word(first, dot)
    }

    fn function(
        &mut self,
        at: At,
        function: Function,
        words: &'a [Word],
        dot: &Datum<'a>,
        last: Option<Datum<'a>>,
    ) -> Result<Datum<'a>, Wrong> {
        self.step(at)?;
        function
            .takes(words.len() + usize::from(last.is_some()))
            .map_err(|why| wrong(at, why))?;
        if let Function::And | Function::Or = function {
            let mut value = Datum::Missing;
            for word in words {
                value = self.word(word, dot)?;
                if value.truth() == (function == Function::Or) {
                    return Ok(value);
                }
            }
            return Ok(last.unwrap_or(value));
        }
        let mut given = Vec::with_capacity(words.len() + 1);
        for word in words {
            given.push(self.word(word, dot)?);
        }
        given.extend(last);
        let value = function
            .call(&given)
            .map_err(|why| wrong(at, format!("{}: {why}", function.name())))?;
        if let Datum::Text(text) = &value {
            self.made += text.len();
        }
        Ok(value)
    }

    fn word(&mut self, word: &'a Word, dot: &Datum<'a>) -> Result<Datum<'a>, Wrong> {
        let value = match &word.term {
            Term::Dot => dot.clone(),
            Term::Nil => Datum::Missing,
            Term::Bool(truth) => Datum::Bool(*truth),
            Term::Whole(number) => Datum::Whole(*number),
            Term::Decimal(number) => Datum::Decimal(*number),
            Term::Text(text) => Datum::Text(Cow::Borrowed(text)),
            Term::Variable(name) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                known
                    .map(|(_, value)| value.clone())
                    .ok_or_else(|| wrong(word.at, format!("undefined variable ${name}")))?
            }
            Term::Function(function) => self.function(word.at, *function, &[], dot, None)?,
            Term::Pipe(pipe) => self.pipe(pipe, dot)?,
        };
        word.fields
            .iter()
            .try_fold(value, |value, (at, name)| field(&value, *at, name))
    }
}

/// Where a pipeline's first word is.
fn place(pipe: &Pipe) -> At {
    let first = pipe.commands.first().and_then(|command| command.words.first());
    first.map_or(0, |word| word.at)
}

fn field<'a>(value: &Datum<'a>, at: At, name: &str) -> Result<Datum<'a>, Wrong> {
    match value {
        Datum::Missing => Ok(Datum::Missing),
        Datum::Map(fields) => Ok(fields.get(name).map_or(Datum::Missing, Datum::from)),
        Datum::Null => Err(wrong(at, format!("can't evaluate field {name} of null"))),
        other => Err(wrong(
            at,
            format!("can't evaluate field {name} of {}", other.kind()),
        )),
    }
}
