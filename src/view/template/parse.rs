//! A template's tokens as what they mean.

use std::collections::BTreeMap;

use super::{
    At, Branch, Command, Node, Pipe, Term, Word, Wrong,
    function::Function,
    scan::{Kind, Token},
    wrong,
};

/// How deep blocks and parentheses may stand within one another.
const DEEPEST: usize = 200;

/// What a list of nodes ended with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// The text's end.
    Text,
    /// `{{end}}`.
    Block,
    /// `{{else`, whose rest is still to be read.
    Else,
}

/// Which block one is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Control {
    If,
    With,
    Range,
}

type Named = BTreeMap<String, Vec<Node>>;

/// What a template says, and the templates with names within.
pub(super) fn template(tokens: &[Token], length: At) -> Result<(Vec<Node>, Named), Wrong> {
    let mut parser = Parser {
        tokens,
        place: 0,
        length,
        variables: vec!["".to_owned()],
        named: Named::new(),
        ranges: 0,
        depth: 0,
    };
    let (nodes, end, at) = parser.nodes()?;
    match end {
        End::Text => Ok((nodes, parser.named)),
        End::Block => Err(wrong(at, "unexpected {{end}}")),
        End::Else => Err(wrong(at, "unexpected {{else}}")),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    place: usize,
    length: At,
    /// Names of the variables that are known here, without their sign.
    variables: Vec<String>,
    named: Named,
    /// Ranges around.
    ranges: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.place)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.place);
        self.place += 1;
        token
    }

    fn at(&self) -> At {
        self.peek().map_or(self.length, |token| token.at)
    }

    fn next_if(&mut self, kind: &Kind) -> bool {
        let is_it = self.peek().is_some_and(|token| token.kind == *kind);
        self.place += usize::from(is_it);
        is_it
    }

    fn right(&mut self, after: &str) -> Result<(), Wrong> {
        let at = self.at();
        if self.next_if(&Kind::Right) {
            Ok(())
        } else {
            Err(wrong(at, format!("expected }}}} after {after}")))
        }
    }

    fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(self.at(), format!("nested deeper than {DEEPEST}")));
        }
        Ok(())
    }

    /// Nodes up to an end, and where that is.
    fn nodes(&mut self) -> Result<(Vec<Node>, End, At), Wrong> {
        let mut nodes = Vec::new();
        loop {
            let Some(token) = self.next() else {
                return Ok((nodes, End::Text, self.length));
            };
            match &token.kind {
                Kind::Outside(text) => nodes.push(Node::Text(text.clone())),
                _ => {
                    let word = self.peek().and_then(|token| match &token.kind {
                        Kind::Name(name) => Some(name.as_str()),
                        _ => None,
                    });
                    match word {
                        Some("end") => {
                            self.place += 1;
                            self.right("end")?;
                            return Ok((nodes, End::Block, token.at));
                        }
                        Some("else") => {
                            self.place += 1;
                            return Ok((nodes, End::Else, token.at));
                        }
                        Some("define") => self.define(token.at)?,
                        word => nodes.push(self.action(word, token.at)?),
                    }
                }
            }
        }
    }

    /// What stands in braces.
    fn action(&mut self, word: Option<&str>, at: At) -> Result<Node, Wrong> {
        let control = match word {
            Some("if") => Some(Control::If),
            Some("with") => Some(Control::With),
            Some("range") => Some(Control::Range),
            _ => None,
        };
        if let Some(control) = control {
            self.place += 1;
            return self.control(control, at);
        }
        match word {
            Some(word @ ("break" | "continue")) => {
                self.place += 1;
                if self.ranges == 0 {
                    return Err(wrong(at, format!("{{{{{word}}}}} outside {{{{range}}}}")));
                }
                self.right(word)?;
                Ok(if word == "break" {
                    Node::Break
                } else {
                    Node::Continue
                })
            }
            Some("template") => {
                self.place += 1;
                let name = self.template_name("template")?;
                let pipe = match self.next_if(&Kind::Right) {
                    true => None,
                    false => Some(self.pipe("template", &Kind::Right, false)?),
                };
                Ok(Node::Named(at, name, pipe))
            }
            Some("block") => {
                self.place += 1;
                let name = self.template_name("block")?;
                let pipe = self.pipe("block", &Kind::Right, false)?;
                self.body(name.clone(), at, "block")?;
                Ok(Node::Named(at, name, Some(pipe)))
            }
            _ => self.pipe("command", &Kind::Right, false).map(Node::Show),
        }
    }

    fn template_name(&mut self, what: &str) -> Result<String, Wrong> {
        let at = self.at();
        match self.next().map(|token| &token.kind) {
            Some(Kind::Text(name)) => Ok(name.clone()),
            _ => Err(wrong(at, format!("expected a quoted name after {what}"))),
        }
    }

    fn define(&mut self, at: At) -> Result<(), Wrong> {
        self.place += 1;
        if self.depth > 0 {
            return Err(wrong(at, "unexpected {{define}} within a block"));
        }
        let name = self.template_name("define")?;
        self.right("the name")?;
        self.body(name, at, "define")
    }

    /// The body of a template with a name, which sees no variables and no range of those around it.
    fn body(&mut self, name: String, at: At, what: &str) -> Result<(), Wrong> {
        self.deeper()?;
        let variables = std::mem::replace(&mut self.variables, vec!["".to_owned()]);
        let ranges = std::mem::take(&mut self.ranges);
        let (nodes, end, _) = self.nodes()?;
        if end != End::Block {
            return Err(wrong(at, format!("{what} without {{{{end}}}}")));
        }
        self.variables = variables;
        self.ranges = ranges;
        self.depth -= 1;
        let is_empty = |nodes: &[Node]| {
            nodes
                .iter()
                .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        match self.named.get(&name) {
            Some(known) if !is_empty(known) && !is_empty(&nodes) => {
                return Err(wrong(
                    at,
                    format!("template: multiple definition of template {name:?}"),
                ));
            }
            Some(known) if !is_empty(known) => {}
            _ => {
                self.named.insert(name, nodes);
            }
        }
        Ok(())
    }

    /// `if`, `with` and `range`, up to their ends.
    fn control(&mut self, control: Control, at: At) -> Result<Node, Wrong> {
        self.deeper()?;
        let known = self.variables.len();
        let name = match control {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        };
        let pipe = self.pipe(name, &Kind::Right, control == Control::Range)?;
        self.ranges += usize::from(control == Control::Range);
        let (then, end, _) = self.nodes()?;
        self.ranges -= usize::from(control == Control::Range);
        let otherwise = match end {
            End::Block => Vec::new(),
            End::Text => return Err(wrong(at, format!("{name} without {{{{end}}}}"))),
            End::Else => self.otherwise(control, at, name)?,
        };
        self.variables.truncate(known);
        self.depth -= 1;
        let branch = Branch {
            pipe,
            then,
            otherwise,
        };
        Ok(match control {
            Control::If => Node::If(branch),
            Control::With => Node::With(branch),
            Control::Range => Node::Range(branch),
        })
    }

    /// What stands after `else`, which may be another `if` that has the same end.
    fn otherwise(&mut self, control: Control, at: At, name: &str) -> Result<Vec<Node>, Wrong> {
        let chained = match (control, self.peek().map(|token| &token.kind)) {
            (Control::If, Some(Kind::Name(word))) if word == "if" => Some(Control::If),
            (Control::With, Some(Kind::Name(word))) if word == "with" => Some(Control::With),
            _ => None,
        };
        if let Some(chained) = chained {
            let at = self.at();
            self.place += 1;
            return Ok(vec![self.control(chained, at)?]);
        }
        self.right("else")?;
        match self.nodes()? {
            (nodes, End::Block, _) => Ok(nodes),
            (_, End::Else, at) => Err(wrong(at, "expected {{end}}, found {{else}}")),
            (_, End::Text, _) => Err(wrong(at, format!("{name} without {{{{end}}}}"))),
        }
    }

    /// A pipeline and the token that ends it.
    fn pipe(&mut self, of: &str, end: &Kind, is_range: bool) -> Result<Pipe, Wrong> {
        let start = self.at();
        let (variables, assigns) = self.declared(is_range)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let at = self.at();
            let command = self.command()?;
            if command.words.is_empty() {
                return Err(if commands.is_empty() {
                    wrong(start, format!("missing value for {of}"))
                } else {
                    wrong(at, "missing command after |")
                });
            }
            let is_callable = command.words.first().is_some_and(|word| {
                !word.fields.is_empty()
                    || matches!(word.term, Term::Function(_) | Term::Variable(_) | Term::Pipe(_))
            });
            if !commands.is_empty() && !is_callable {
                return Err(wrong(at, "what stands after | must be a function"));
            }
            commands.push(command);
            if self.next_if(&Kind::Pipe) {
                continue;
            }
            let at = self.at();
            return if self.next_if(end) {
                // They are known from here on.
                self.variables.extend(variables.iter().cloned());
                Ok(Pipe {
                    variables,
                    assigns,
                    commands,
                })
            } else {
                Err(wrong(at, format!("unexpected {} in {of}", self.shown())))
            };
        }
    }

    /// The token that is next, as it is told.
    fn shown(&self) -> String {
        match self.peek().map(|token| &token.kind) {
            None => "end".to_owned(),
            Some(Kind::Right) => "}}".to_owned(),
            Some(Kind::Open) => "(".to_owned(),
            Some(Kind::Close) => ")".to_owned(),
            Some(Kind::Comma) => ",".to_owned(),
            Some(Kind::Declare) => ":=".to_owned(),
            Some(Kind::Assign) => "=".to_owned(),
            Some(Kind::Dot) => ".".to_owned(),
            Some(Kind::Field(name)) => format!(".{name}"),
            Some(Kind::Variable(name)) => format!("${name}"),
            Some(Kind::Name(name) | Kind::Number(name)) => name.clone(),
            Some(Kind::Text(text) | Kind::Outside(text)) => format!("{text:?}"),
            Some(Kind::Character(character)) => format!("{character:?}"),
            Some(Kind::Left) => "{{".to_owned(),
            Some(Kind::Pipe) => "|".to_owned(),
        }
    }

    /// The variables before `:=` or `=`.
    fn declared(&mut self, is_range: bool) -> Result<(Vec<String>, bool), Wrong> {
        let kind = |place: usize| self.tokens.get(place).map(|token| &token.kind);
        let Some(Kind::Variable(first)) = kind(self.place) else {
            return Ok((Vec::new(), false));
        };
        let (variables, signed) = match (kind(self.place + 1), kind(self.place + 2)) {
            (Some(Kind::Comma), Some(Kind::Variable(second))) if is_range => {
                (vec![first.clone(), second.clone()], self.place + 3)
            }
            (Some(Kind::Comma), _) => {
                let why = if is_range {
                    "range can only initialize variables"
                } else {
                    "too many declarations: two variables are range's"
                };
                return Err(wrong(self.at(), why));
            }
            _ => (vec![first.clone()], self.place + 1),
        };
        let assigns = match kind(signed) {
            Some(Kind::Declare) => false,
            Some(Kind::Assign) => true,
            // A variable that is used.
            _ if variables.len() == 1 => return Ok((Vec::new(), false)),
            _ => return Err(wrong(self.at(), "expected := after the variables")),
        };
        self.place = signed + 1;
        Ok((variables, assigns))
    }

    fn known(&self, name: &String, at: At) -> Result<(), Wrong> {
        if self.variables.contains(name) {
            Ok(())
        } else {
            Err(wrong(at, format!("undefined variable \"${name}\"")))
        }
    }

    fn command(&mut self) -> Result<Command, Wrong> {
        let mut words: Vec<Word> = Vec::new();
        while let Some(token) = self.peek() {
            if matches!(
                token.kind,
                Kind::Right | Kind::Close | Kind::Pipe | Kind::Comma | Kind::Declare | Kind::Assign
            ) {
                break;
            }
            if !words.is_empty() && !token.is_apart {
                return Err(wrong(token.at, format!("unexpected {} in operand", self.shown())));
            }
            words.push(self.word(token)?);
        }
        Ok(Command { words })
    }

    fn word(&mut self, token: &'a Token) -> Result<Word, Wrong> {
        let at = token.at;
        self.place += 1;
        let mut fields = Vec::new();
        let term = match &token.kind {
            Kind::Dot => Term::Dot,
            Kind::Field(name) => {
                fields.push((at, name.clone()));
                Term::Dot
            }
            Kind::Variable(name) => {
                self.known(name, at)?;
                Term::Variable(name.clone())
            }
            Kind::Text(text) => Term::Text(text.clone()),
            Kind::Character(character) => Term::Whole(i64::from(u32::from(*character))),
            Kind::Number(text) => {
                number(text).ok_or_else(|| wrong(at, format!("bad number syntax: {text:?}")))?
            }
            Kind::Name(name) => match name.as_str() {
                "true" => Term::Bool(true),
                "false" => Term::Bool(false),
                "nil" => Term::Nil,
                "if" | "with" | "range" | "else" | "end" | "define" | "template" | "block" => {
                    return Err(wrong(at, format!("unexpected <{name}> in command")));
                }
                name => Term::Function(Function::named(name).ok_or_else(|| {
                    wrong(
                        at,
                        format!("function {name:?} not defined; there are {}", Function::names()),
                    )
                })?),
            },
            Kind::Open => {
                self.deeper()?;
                let pipe = self.pipe("parenthesized pipeline", &Kind::Close, false)?;
                self.depth -= 1;
                Term::Pipe(pipe)
            }
            _ => {
                self.place -= 1;
                return Err(wrong(at, format!("unexpected {} in operand", self.shown())));
            }
        };
        while let Some(Token {
            at,
            kind: Kind::Field(name),
            is_apart: false,
        }) = self.peek()
        {
            let has_fields = matches!(term, Term::Variable(_) | Term::Pipe(_)) || !fields.is_empty();
            if !has_fields {
                return Err(wrong(*at, format!("unexpected .{name} after {}", self.before())));
            }
            fields.push((*at, name.clone()));
            self.place += 1;
        }
        Ok(Word { at, term, fields })
    }

    /// What kind the token before is, as it is told.
    fn before(&self) -> &'static str {
        match self
            .place
            .checked_sub(1)
            .and_then(|place| self.tokens.get(place))
            .map(|token| &token.kind)
        {
            Some(Kind::Dot) => "dot",
            Some(Kind::Text(_)) => "a text",
            Some(Kind::Name(_)) => "a word",
            _ => "a number",
        }
    }
}

/// A number as Go writes it.
fn number(text: &str) -> Option<Term> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (if text.starts_with('-') { "-" } else { "" }, digits),
        None => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let based = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, base)| Some((lower.strip_prefix(prefix)?, base)));
    let (bare, base, is_based) = match based {
        Some((bare, base)) => (bare.strip_prefix('_').unwrap_or(bare), base, true),
        None if lower.len() > 1
            && lower.starts_with('0')
            && lower.bytes().all(|c| c.is_ascii_digit() || c == b'_') =>
        {
            (lower.strip_prefix("0_").unwrap_or(&lower), 8, true)
        }
        None => (lower.as_str(), 10, false),
    };
    let is_spaced_well = !bare.starts_with('_') && !bare.ends_with('_') && !bare.contains("__");
    let bare = bare.replace('_', "");
    if !is_spaced_well || bare.is_empty() || bare.starts_with(['+', '-']) {
        return None;
    }
    if let Ok(whole) = i64::from_str_radix(&format!("{sign}{bare}"), base) {
        return Some(Term::Whole(whole));
    }
    let is_decimal = !is_based
        && bare.contains(|c: char| c.is_ascii_digit())
        && bare.contains(['.', 'e'])
        && bare
            .bytes()
            .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'));
    let decimal = is_decimal.then(|| format!("{sign}{bare}").parse::<f64>().ok())??;
    decimal.is_finite().then_some(Term::Decimal(decimal))
}
