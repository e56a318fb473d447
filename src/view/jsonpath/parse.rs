//! Reading templates.

use serde_json::{Number, Value};

use super::{Filter, Node, Step, Test};

/// Why a text is no template.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// A `{` without `}`.
    #[error("unclosed action")]
    Unclosed,
    /// A `[` without `]`.
    #[error("unterminated array")]
    UnclosedArray,
    /// A `[?(` without `)]`.
    #[error("unterminated filter")]
    UnclosedFilter,
    /// A quote that is not closed.
    #[error("unterminated quoted string")]
    UnclosedQuote,
    /// A range that does not end.
    #[error("range without end")]
    NoEnd,
    /// An end of nothing.
    #[error("end without range")]
    NoRange,
    /// A word that means nothing.
    #[error("unrecognized identifier {0}")]
    Identifier(String),
    /// A character that means nothing.
    #[error("unrecognized character in action: {0:?}")]
    Character(char),
    /// What stands in brackets is no index.
    #[error("invalid array index {0}")]
    Index(String),
    /// A comparison that is not known.
    #[error("unrecognized filter operator {0}")]
    Operator(String),
}

/// Reads a template.
pub(super) fn template(text: &str) -> Result<Vec<Node>, Malformed> {
    let mut reader = Reader { rest: text };
    let (nodes, ended) = reader.nodes()?;
    if ended { Err(Malformed::NoRange) } else { Ok(nodes) }
}

struct Reader<'a> {
    rest: &'a str,
}

/// What a block is.
enum Block {
    Chain(Vec<Step>),
    Range(Vec<Step>),
    End,
}

impl<'a> Reader<'a> {
    /// Nodes up to the end of the text, or the end of a range.
    fn nodes(&mut self) -> Result<(Vec<Node>, bool), Malformed> {
        let mut nodes = Vec::new();
        loop {
            let (literal, more) = self
                .rest
                .split_once('{')
                .map_or((self.rest, None), |(literal, rest)| (literal, Some(rest)));
            if !literal.is_empty() {
                nodes.push(Node::Text(literal.to_owned()));
            }
            let Some(rest) = more else {
                return Ok((nodes, false));
            };
            self.rest = rest;
            match self.block()? {
                Block::Chain(steps) => nodes.push(Node::Block(steps)),
                Block::End => return Ok((nodes, true)),
                Block::Range(steps) => {
                    let (body, ended) = self.nodes()?;
                    if !ended {
                        return Err(Malformed::NoEnd);
                    }
                    nodes.push(Node::Range(steps, body));
                }
            }
        }
    }

    fn block(&mut self) -> Result<Block, Malformed> {
        let (mut is_range, mut is_end) = (false, false);
        let mut steps = Vec::new();
        loop {
            let Some(next) = self.rest.chars().next() else {
                return Err(Malformed::Unclosed);
            };
            if next == '}' {
                self.rest = &self.rest[1..];
                return Ok(match (is_end, is_range) {
                    (true, _) => Block::End,
                    (false, true) => Block::Range(steps),
                    (false, false) => Block::Chain(steps),
                });
            }
            if next.is_ascii_alphabetic() {
                match self.word() {
                    "range" => is_range = true,
                    "end" => is_end = true,
                    word @ ("true" | "false") => steps.push(Step::Literal(Value::Bool(word == "true"))),
                    other => return Err(Malformed::Identifier(other.to_owned())),
                }
                continue;
            }
            self.step(&mut steps)?;
        }
    }

    /// One step of a chain; space and the signs for the document itself are none.
    fn step(&mut self, steps: &mut Vec<Step>) -> Result<(), Malformed> {
        let Some(next) = self.rest.chars().next() else {
            return Err(Malformed::Unclosed);
        };
        match next {
            next if next.is_whitespace() => self.skip(next),
            '$' | '@' => self.skip(next),
            '"' | '\'' => steps.push(Step::Literal(Value::String(self.quoted(next)?))),
            '[' => {
                self.skip(next);
                let step = self.bracket()?;
                steps.push(step);
            }
            '.' => {
                self.skip(next);
                if self.rest.starts_with('.') {
                    self.rest = &self.rest[1..];
                    steps.push(Step::Everywhere);
                }
                let name = self.name();
                match name.as_str() {
                    // `.` alone is the document, and `.[` an index into it.
                    "" => {}
                    "*" => steps.push(Step::All),
                    _ => steps.push(Step::Field(name)),
                }
            }
            '+' | '-' | '0'..='9' => {
                let number = self.number();
                steps.push(Step::Literal(number.ok_or(Malformed::Character(next))?));
            }
            other => return Err(Malformed::Character(other)),
        }
        Ok(())
    }

    fn skip(&mut self, next: char) {
        self.rest = &self.rest[next.len_utf8()..];
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        let length = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(self.rest.len());
        self.take(length)
    }

    fn number(&mut self) -> Option<Value> {
        let is_of_it = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
        let length = self.rest.find(|c| !is_of_it(c)).unwrap_or(self.rest.len());
        number(self.take(length))
    }

    /// A field's name: a backslash takes its meaning from the next character.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let mut characters = self.rest.char_indices();
        let mut length = self.rest.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => name.extend(characters.next().map(|(_, c)| c)),
                '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' => {
                    length = at;
                    break;
                }
                c if c.is_whitespace() => {
                    length = at;
                    break;
                }
                c => name.push(c),
            }
        }
        self.take(length);
        name
    }

    fn quoted(&mut self, quote: char) -> Result<String, Malformed> {
        self.skip(quote);
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                c if c == quote => {
                    self.take(at + c.len_utf8());
                    return Ok(text);
                }
                '\\' => text.extend(characters.next().map(|(_, c)| match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                })),
                c => text.push(c),
            }
        }
        Err(Malformed::UnclosedQuote)
    }

    /// What stands between brackets.
    fn bracket(&mut self) -> Result<Step, Malformed> {
        if let Some(rest) = self.rest.strip_prefix("?(") {
            let end = closing(rest, ")]").ok_or(Malformed::UnclosedFilter)?;
            self.rest = &rest[end + 2..];
            return filter(&rest[..end]).map(|filter| Step::Filter(Box::new(filter)));
        }
        let end = closing(self.rest, "]").ok_or(Malformed::UnclosedArray)?;
        let inside = self.take(end);
        self.rest = &self.rest[1..];
        let parts = split(inside, ',');
        if let [only] = parts.as_slice() {
            return index(only.trim());
        }
        let paths = parts.iter().map(|part| {
            let part = part.trim();
            if part.starts_with(['.', '$', '@']) {
                chain(part)
            } else {
                index(part).map(|step| vec![step])
            }
        });
        paths.collect::<Result<_, _>>().map(Step::Union)
    }
}

/// One index: `3`, `1:2`, `*`, `'name'`.
fn index(text: &str) -> Result<Step, Malformed> {
    let wrong = || Malformed::Index(text.to_owned());
    for quote in ['\'', '"'] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
            .filter(|_| text.len() > 1)
        {
            return Ok(Step::Field(inner.replace('\\', "")));
        }
    }
    match text {
        "*" => return Ok(Step::All),
        "" => return Ok(Step::At(0)),
        _ => {}
    }
    if let Ok(at) = text.parse() {
        return Ok(Step::At(at));
    }
    if !text.contains(':') {
        return Err(wrong());
    }
    let mut ends = text
        .split(':')
        .map(|end| match end.trim() {
            "" => Ok(None),
            end => end.parse().map(Some).map_err(|_| wrong()),
        })
        .collect::<Result<Vec<Option<i64>>, _>>()?
        .into_iter();
    let slice = Step::Slice(
        ends.next().flatten(),
        ends.next().flatten(),
        ends.next().flatten(),
    );
    if ends.next().is_some() {
        return Err(wrong());
    }
    Ok(slice)
}

fn filter(text: &str) -> Result<Filter, Malformed> {
    let mut quote = None;
    let start = text.char_indices().find(|(_, c)| {
        match (quote, c) {
            (Some(open), c) if open == *c => quote = None,
            (None, '"' | '\'') => quote = Some(*c),
            _ => {}
        }
        quote.is_none() && matches!(c, '=' | '!' | '<' | '>')
    });
    let Some((start, _)) = start else {
        return Ok(Filter {
            left: chain(text)?,
            test: Test::Exists,
            right: Vec::new(),
        });
    };
    let rest = &text[start..];
    let end = rest
        .find(|c| !matches!(c, '=' | '!' | '<' | '>'))
        .unwrap_or(rest.len());
    let test = match &rest[..end] {
        "==" => Test::Equal,
        "!=" => Test::Unequal,
        "<" => Test::Less,
        "<=" => Test::LessOrEqual,
        ">" => Test::Greater,
        ">=" => Test::GreaterOrEqual,
        other => return Err(Malformed::Operator(other.to_owned())),
    };
    Ok(Filter {
        left: chain(&text[..start])?,
        test,
        right: chain(&rest[end..])?,
    })
}

/// A chain of its own, without braces.
fn chain(text: &str) -> Result<Vec<Step>, Malformed> {
    let mut reader = Reader { rest: text.trim() };
    let mut steps = Vec::new();
    while let Some(next) = reader.rest.chars().next() {
        if next.is_ascii_alphabetic() {
            match reader.word() {
                word @ ("true" | "false") => steps.push(Step::Literal(Value::Bool(word == "true"))),
                other => return Err(Malformed::Identifier(other.to_owned())),
            }
        } else {
            reader.step(&mut steps)?;
        }
    }
    Ok(steps)
}

fn number(text: &str) -> Option<Value> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    Number::from_f64(text.parse().ok()?).map(Value::Number)
}

/// Where a text ends, outside of quotes and inner brackets.
fn closing(text: &str, end: &str) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if depth == 0 && text[at..].starts_with(end) => return Some(at),
            (None, '[') => depth += 1,
            (None, ']') => depth -= 1,
            (None, '}') if end == "]" => return None,
            (None, _) => {}
        }
    }
    None
}

/// Parts at a sign, outside of quotes and brackets.
fn split(text: &str, sign: char) -> Vec<&str> {
    let (mut parts, mut quote, mut depth, mut start) = (Vec::new(), None, 0, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => depth -= 1,
            (None, c) if c == sign && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            (None, _) => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
