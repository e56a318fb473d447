//! A template's text as tokens.

use super::{At, Wrong, wrong};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: At,
    pub(super) kind: Kind,
    /// Whether there is space before it.
    pub(super) is_apart: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text outside of braces.
    Outside(String),
    /// `{{`.
    Left,
    /// `}}`.
    Right,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `|`.
    Pipe,
    /// `,`.
    Comma,
    /// `:=`.
    Declare,
    /// `=`.
    Assign,
    /// `.` by itself.
    Dot,
    /// `.name`.
    Field(String),
    /// `$name`.
    Variable(String),
    /// A word.
    Name(String),
    /// A quoted text.
    Text(String),
    /// A number as it stands.
    Number(String),
    /// A character in quotes.
    Character(char),
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_in_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// The tokens of a text.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Wrong> {
    let mut scanner = Scanner {
        text,
        at: 0,
        tokens: Vec::new(),
    };
    scanner.all()?;
    Ok(scanner.tokens)
}

struct Scanner<'a> {
    text: &'a str,
    at: At,
    tokens: Vec<Token>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, at: At, kind: Kind, is_apart: bool) {
        self.tokens.push(Token { at, kind, is_apart });
    }

    fn all(&mut self) -> Result<(), Wrong> {
        let mut is_trimmed = false;
        loop {
            let start = self.at;
            let rest = self.rest();
            let length = rest.find(LEFT).unwrap_or(rest.len());
            let (outside, action) = rest.split_at(length);
            let trims = action.strip_prefix(LEFT).is_some_and(|rest| {
                let mut characters = rest.chars();
                characters.next() == Some('-') && characters.next().is_some_and(is_space)
            });
            let mut kept = outside;
            if is_trimmed {
                kept = kept.trim_start_matches(is_space);
            }
            if trims {
                kept = kept.trim_end_matches(is_space);
            }
            if !kept.is_empty() {
                self.push(start, Kind::Outside(kept.to_owned()), false);
            }
            self.at += length;
            if action.is_empty() {
                return Ok(());
            }
            let opened = self.at;
            self.at += LEFT.len() + if trims { 2 } else { 0 };
            is_trimmed = if self.rest().starts_with("/*") {
                self.comment(opened)?
            } else {
                self.push(opened, Kind::Left, false);
                self.action(opened)?
            };
        }
    }

    /// Passes over a comment; whether the text after it is trimmed.
    fn comment(&mut self, opened: At) -> Result<bool, Wrong> {
        let length = self
            .rest()
            .find("*/")
            .ok_or_else(|| wrong(opened, "unclosed comment"))?;
        self.at += length + 2;
        self.closing()
            .ok_or_else(|| wrong(opened, "comment ends before closing delimiter"))
    }

    /// Passes over the end of an action if it is here; whether the text after it is trimmed.
    fn closing(&mut self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with(RIGHT) {
            self.at += RIGHT.len();
            return Some(false);
        }
        let dash = rest.strip_prefix(is_space)?.strip_prefix('-')?;
        dash.starts_with(RIGHT).then(|| {
            self.at += 2 + RIGHT.len();
            true
        })
    }

    /// Reads what is inside of braces; whether the text after it is trimmed.
    fn action(&mut self, opened: At) -> Result<bool, Wrong> {
        let mut is_apart = false;
        loop {
            let at = self.at;
            if let Some(trims) = self.closing() {
                self.push(at, Kind::Right, is_apart);
                return Ok(trims);
            }
            let Some(first) = self.rest().chars().next() else {
                return Err(wrong(opened, "unclosed action"));
            };
            if is_space(first) {
                self.at += 1;
                is_apart = true;
                continue;
            }
            let kind = self.token(first)?;
            self.push(at, kind, is_apart);
            is_apart = false;
        }
    }

    fn token(&mut self, first: char) -> Result<Kind, Wrong> {
        let (at, rest) = (self.at, self.rest());
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let single = match first {
            '(' => Some(Kind::Open),
            ')' => Some(Kind::Close),
            '|' => Some(Kind::Pipe),
            ',' => Some(Kind::Comma),
            '=' => Some(Kind::Assign),
            _ => None,
        };
        if let Some(kind) = single {
            self.at += 1;
            return Ok(kind);
        }
        match first {
            ':' if after.starts_with('=') => {
                self.at += 2;
                Ok(Kind::Declare)
            }
            '"' => self.quoted('"').map(Kind::Text),
            '\'' => {
                let text = self.quoted('\'')?;
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(only), None) => Ok(Kind::Character(only)),
                    _ => Err(wrong(
                        at,
                        "expected one character in single quotes; texts stand in \"...\" or `...`",
                    )),
                }
            }
            '`' => {
                let length = after
                    .find('`')
                    .ok_or_else(|| wrong(at, "unterminated raw quoted string"))?;
                self.at += length + 2;
                // As Go, which leaves out what Windows puts at a line's end.
                Ok(Kind::Text(after[..length].replace('\r', "")))
            }
            '$' => Ok(Kind::Variable(self.name(1))),
            '.' if !after.starts_with(|c: char| c.is_ascii_digit()) => Ok(match self.name(1) {
                name if name.is_empty() => Kind::Dot,
                name => Kind::Field(name),
            }),
            '.' | '+' | '-' | '0'..='9' => {
                let is_part = |(place, c): (usize, char), before: Option<char>| {
                    is_in_name(c)
                        || c == '.'
                        || (matches!(c, '+' | '-')
                            && (place == 0 || matches!(before, Some('e' | 'E' | 'p' | 'P'))))
                };
                let mut before = None;
                let mut length = rest.len();
                for (place, c) in rest.char_indices() {
                    if !is_part((place, c), before) {
                        length = place;
                        break;
                    }
                    before = Some(c);
                }
                self.at += length;
                Ok(Kind::Number(rest[..length].to_owned()))
            }
            c if is_in_name(c) => Ok(Kind::Name(self.name(0))),
            c => Err(wrong(at, format!("unexpected {c:?} in an action"))),
        }
    }

    /// Letters and digits after so many bytes.
    fn name(&mut self, skipped: usize) -> String {
        let rest = self.rest().get(skipped..).unwrap_or_default();
        let length = rest.find(|c| !is_in_name(c)).unwrap_or(rest.len());
        self.at += skipped + length;
        rest[..length].to_owned()
    }

    /// Reads a text in quotes with Go's escapes.
    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let start = self.at;
        let mut bytes = Vec::new();
        let mut characters = self.rest().char_indices().skip(1);
        let unterminated = || wrong(start, "unterminated quoted string");
        loop {
            let (place, c) = characters.next().ok_or_else(unterminated)?;
            let escape = |why: &str| wrong(start + place, why);
            let mut put = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            match c {
                '\n' => return Err(unterminated()),
                c if c == quote => {
                    self.at = start + place + 1;
                    return String::from_utf8(bytes)
                        .map_err(|_| wrong(start, "the bytes of the text are no UTF-8"));
                }
                '\\' => {
                    let (_, kind) = characters.next().ok_or_else(unterminated)?;
                    let mut digits = |first: &str, count: usize, base: u32| {
                        let more: String = characters.by_ref().take(count).map(|(_, digit)| digit).collect();
                        let text = format!("{first}{more}");
                        let number = u32::from_str_radix(&text, base).ok();
                        number
                            .filter(|_| {
                                more.chars().count() == count && text.chars().all(|c| c.is_digit(base))
                            })
                            .ok_or_else(|| escape("invalid escape"))
                    };
                    match kind {
                        'a' => put('\u{7}'),
                        'b' => put('\u{8}'),
                        'f' => put('\u{c}'),
                        'n' => put('\n'),
                        'r' => put('\r'),
                        't' => put('\t'),
                        'v' => put('\u{b}'),
                        '\\' => put('\\'),
                        c if c == quote => put(c),
                        'x' | '0'..='7' => {
                            let number = if kind == 'x' {
                                digits("", 2, 16)?
                            } else {
                                digits(&kind.to_string(), 2, 8)?
                            };
                            bytes.push(u8::try_from(number).map_err(|_| escape("invalid escape"))?);
                        }
                        'u' | 'U' => {
                            let number = digits("", if kind == 'u' { 4 } else { 8 }, 16)?;
                            put(char::from_u32(number).ok_or_else(|| escape("invalid escape"))?);
                        }
                        _ => return Err(escape("invalid escape")),
                    }
                }
                c => put(c),
            }
        }
    }
}
