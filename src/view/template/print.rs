//! Values as text: Go's `Sprint`, `Sprintln` and `Sprintf`.

use std::{borrow::Cow, iter::Peekable, slice, str::Chars};

use serde_json::{Map, Value};

use super::datum::Datum;

/// How wide a value may be made, and how precise.
const WIDEST: usize = 1000;

/// What an action prints.
pub(super) fn shown(value: &Datum<'_>) -> String {
    if value.is_nil() {
        "<no value>".to_owned()
    } else {
        plain(value)
    }
}

/// Values one after another, with spaces between those that are no texts.
pub(super) fn joined(values: &[Datum<'_>]) -> String {
    let mut text = String::new();
    let mut before: Option<&Datum<'_>> = None;
    for value in values {
        let is_text = |value: &Datum<'_>| matches!(value, Datum::Text(_));
        if before.is_some_and(|before| !is_text(before) && !is_text(value)) {
            text.push(' ');
        }
        text.push_str(&plain(value));
        before = Some(value);
    }
    text
}

/// Values with spaces between them, in a line.
pub(super) fn spaced(values: &[Datum<'_>]) -> String {
    let words: Vec<String> = values.iter().map(plain).collect();
    format!("{}\n", words.join(" "))
}

fn plain(value: &Datum<'_>) -> String {
    Verb::bare('v').value(value).unwrap_or_default()
}

/// Whether it can be seen.
pub(super) fn is_printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{fffb}' | '\u{f0000}'..))
}

/// Fills in a format.
pub(super) fn formatted(format: &str, values: &[Datum<'_>]) -> Result<String, String> {
    let mut reader = Reader {
        characters: format.chars().peekable(),
        values: values.iter(),
        text: String::new(),
    };
    while let Some(c) = reader.characters.next() {
        match c {
            '%' => reader.verb()?,
            c => reader.text.push(c),
        }
    }
    let more: Vec<String> = reader.values.map(typed).collect();
    if !more.is_empty() {
        reader.text.push_str(&format!("%!(EXTRA {})", more.join(", ")));
    }
    Ok(reader.text)
}

/// A value with its type, as it is shown where it does not belong.
fn typed(value: &Datum<'_>) -> String {
    if value.is_nil() {
        "<nil>".to_owned()
    } else {
        format!("{}={}", type_name(value), plain(value))
    }
}

struct Reader<'f, 'v, 'd> {
    characters: Peekable<Chars<'f>>,
    values: slice::Iter<'v, Datum<'d>>,
    text: String,
}

impl Reader<'_, '_, '_> {
    fn verb(&mut self) -> Result<(), String> {
        let mut verb = Verb::bare(' ');
        while let Some(flag) = self
            .characters
            .next_if(|c| matches!(c, '+' | '-' | '#' | ' ' | '0'))
        {
            match flag {
                '+' => verb.plus = true,
                '-' => verb.minus = true,
                '#' => verb.sharp = true,
                ' ' => verb.space = true,
                _ => verb.zero = true,
            }
        }
        if let Some(width) = self.size("%!(BADWIDTH)")? {
            verb.minus |= width < 0;
            verb.width = width.unsigned_abs();
        }
        if self.characters.next_if_eq(&'.').is_some() {
            let precision = self.size("%!(BADPREC)")?.unwrap_or_default();
            verb.precision = usize::try_from(precision).ok();
        }
        let Some(letter) = self.characters.next() else {
            self.text.push_str("%!(NOVERB)");
            return Ok(());
        };
        verb.letter = letter;
        let shown = match letter {
            '%' => "%".to_owned(),
            '[' => return Err("%[N], an argument by its number, is not there".to_owned()),
            'p' => return Err("%p is not there".to_owned()),
            letter => match self.values.next() {
                None => format!("%!{letter}(MISSING)"),
                Some(value) => verb.value(value)?,
            },
        };
        self.text.push_str(&shown);
        Ok(())
    }

    /// A width or a precision, in digits or as an argument.
    fn size(&mut self, bad: &str) -> Result<Option<isize>, String> {
        let number = if self.characters.next_if_eq(&'*').is_some() {
            match self.values.next() {
                Some(Datum::Whole(number)) => *number,
                _ => {
                    self.text.push_str(bad);
                    return Ok(None);
                }
            }
        } else {
            let mut digits = String::new();
            while let Some(digit) = self.characters.next_if(char::is_ascii_digit) {
                digits.push(digit);
            }
            if digits.is_empty() {
                return Ok(None);
            }
            digits.parse().unwrap_or(i64::MAX)
        };
        let size = isize::try_from(number)
            .ok()
            .filter(|size| size.unsigned_abs() <= WIDEST);
        size.map(Some)
            .ok_or_else(|| format!("a width or precision of {number} is more than {WIDEST}"))
    }
}

/// `%-8.3f` and the like.
#[derive(Clone, Copy, Debug)]
struct Verb {
    letter: char,
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

impl Verb {
    fn bare(letter: char) -> Self {
        Self {
            letter,
            plus: false,
            minus: false,
            sharp: false,
            space: false,
            zero: false,
            width: 0,
            precision: None,
        }
    }

    /// Whether values are shown as Go's source has them.
    fn is_source(self) -> bool {
        self.sharp && self.letter == 'v'
    }

    fn value(self, value: &Datum<'_>) -> Result<String, String> {
        Ok(match (value, self.letter) {
            (value, 'T') => self.padded(&self.cut(type_name(value))),
            (Datum::Missing | Datum::Null, 'v') => self.padded("<nil>"),
            (Datum::Missing | Datum::Null, letter) => format!("%!{letter}(<nil>)"),
            (Datum::Bool(truth), 't' | 'v') => self.padded(&truth.to_string()),
            (Datum::Text(text), 'v') if self.sharp => self.padded(&quoted(text, false)),
            (Datum::Text(text), 's' | 'v') => self.padded(&self.cut(text)),
            (Datum::Text(text), 'q') => {
                let text = self.cut(text);
                let is_raw =
                    self.sharp && !text.contains(|c: char| c == '`' || (c.is_control() && c != '\t'));
                self.padded(&if is_raw {
                    format!("`{text}`")
                } else {
                    quoted(&text, self.plus)
                })
            }
            (Datum::Text(text), 'x' | 'X') => self.padded(&self.hex(text)),
            (Datum::Whole(number), 'd' | 'v' | 'b' | 'o' | 'O' | 'x' | 'X') => self.whole(*number),
            (Datum::Whole(number), 'c' | 'q' | 'U') => self.padded(&self.character(*number)),
            (Datum::Decimal(number), 'v' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G') => self.decimal(*number)?,
            (Datum::Decimal(_), 'b' | 'x' | 'X') => {
                return Err(format!("%{} of a decimal number is not there", self.letter));
            }
            (Datum::List(elements), _) => self.list(elements)?,
            (Datum::Map(fields), _) => self.map(fields)?,
            (value, letter) => {
                let verb = Self { letter: 'v', ..self };
                format!("%!{letter}({}={})", type_name(value), verb.value(value)?)
            }
        })
    }

    fn list(self, elements: &[Value]) -> Result<String, String> {
        let elements = elements
            .iter()
            .map(|element| self.within(element))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(if self.is_source() {
            format!("[]interface {{}}{{{}}}", elements.join(", "))
        } else {
            format!("[{}]", elements.join(" "))
        })
    }

    fn map(self, fields: &Map<String, Value>) -> Result<String, String> {
        let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        let fields = fields
            .into_iter()
            .map(|(name, value)| {
                let name = self.value(&Datum::Text(Cow::Borrowed(name)))?;
                Ok(format!("{name}:{}", self.within(value)?))
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(if self.is_source() {
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        } else {
            format!("map[{}]", fields.join(" "))
        })
    }

    fn within(self, value: &Value) -> Result<String, String> {
        match value {
            Value::Null if self.is_source() => Ok("interface {}(nil)".to_owned()),
            Value::Null => Ok("<nil>".to_owned()),
            value => self.value(&Datum::from(value)),
        }
    }

    fn cut(self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn padded(self, text: &str) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        match (self.minus, self.zero) {
            (true, _) => format!("{text}{}", " ".repeat(missing)),
            (false, true) => format!("{}{text}", "0".repeat(missing)),
            (false, false) => format!("{}{text}", " ".repeat(missing)),
        }
    }

    fn hex(self, text: &str) -> String {
        let bytes = text.bytes().take(self.precision.unwrap_or(usize::MAX));
        let digits = bytes.map(|byte| match self.letter {
            'x' => format!("{byte:02x}"),
            _ => format!("{byte:02X}"),
        });
        let digits: Vec<String> = digits.collect();
        let prefix = if self.sharp && !digits.is_empty() {
            format!("0{}", self.letter)
        } else {
            String::new()
        };
        match (self.space, self.sharp) {
            (true, true) => digits
                .iter()
                .map(|pair| format!("{prefix}{pair}"))
                .collect::<Vec<_>>()
                .join(" "),
            (true, false) => digits.join(" "),
            _ => format!("{prefix}{}", digits.concat()),
        }
    }

    fn sign(self, is_negative: bool) -> &'static str {
        match (is_negative, self.plus, self.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        }
    }

    fn whole(self, number: i64) -> String {
        let size = number.unsigned_abs();
        let digits = match self.letter {
            'b' => format!("{size:b}"),
            'o' | 'O' => format!("{size:o}"),
            'x' => format!("{size:x}"),
            'X' => format!("{size:X}"),
            _ => size.to_string(),
        };
        let sign = self.sign(number < 0);
        let is_zero_filled = self.zero && !self.minus && self.precision.is_none();
        let least = match self.precision {
            Some(0) if size == 0 => return Self { zero: false, ..self }.padded(""),
            Some(precision) => precision,
            None if is_zero_filled => self.width.saturating_sub(sign.len()),
            None => 0,
        };
        let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let prefix = match (self.letter, self.sharp) {
            ('O', _) => "0o",
            ('b', true) => "0b",
            ('o', true) if !digits.starts_with('0') => "0",
            ('x', true) => "0x",
            ('X', true) => "0X",
            _ => "",
        };
        Self { zero: false, ..self }.padded(&format!("{sign}{prefix}{digits}"))
    }

    fn character(self, number: i64) -> String {
        let character = u32::try_from(number)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or('\u{fffd}');
        match self.letter {
            'c' => character.to_string(),
            'q' => {
                let inner = quoted(&character.to_string(), self.plus);
                let inner = inner.get(1..inner.len() - 1).unwrap_or_default();
                match character {
                    '"' => "'\"'".to_owned(),
                    '\'' => r"'\''".to_owned(),
                    _ => format!("'{inner}'"),
                }
            }
            _ if self.sharp && is_printable(character) => format!("U+{number:04X} '{character}'"),
            _ => format!("U+{number:04X}"),
        }
    }

    fn decimal(self, number: f64) -> Result<String, String> {
        if self.sharp && !self.is_source() {
            return Err(format!("%#{} of a decimal number is not there", self.letter));
        }
        let size = number.abs();
        let digits = match (self.letter, self.precision) {
            ('f' | 'F', precision) => format!("{size:.*}", precision.unwrap_or(6)),
            ('e' | 'E', precision) => scientific(&format!("{size:.*e}", precision.unwrap_or(6))),
            (_, precision) => general(size, precision),
        };
        let digits = if self.letter.is_ascii_uppercase() {
            digits.to_uppercase()
        } else {
            digits
        };
        let sign = self.sign(number.is_sign_negative());
        let verb = Self { zero: false, ..self };
        Ok(if self.zero && !self.minus {
            let missing = self.width.saturating_sub(sign.len() + digits.len());
            format!("{sign}{}{digits}", "0".repeat(missing))
        } else {
            verb.padded(&format!("{sign}{digits}"))
        })
    }
}

/// Rust's `1.5e3` as `1.5e+03`.
fn scientific(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `%g`: the shortest digits that say the number, or so many.
fn general(number: f64, precision: Option<usize>) -> String {
    let text = match precision {
        None => format!("{number:e}"),
        Some(precision) => format!("{number:.*e}", precision.max(1) - 1),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = match mantissa.contains('.') {
        true => mantissa.trim_end_matches('0').trim_end_matches('.'),
        false => mantissa,
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    // Where digits need no zeros to fill them up they are written out, however few were asked for.
    let most = match precision {
        None => 6,
        Some(precision) => {
            let precision = precision.max(1);
            let is_filled = i32::try_from(count).is_ok_and(|count| count > exponent);
            if precision > count && is_filled {
                count
            } else {
                precision
            }
        }
    };
    if exponent < -4 || usize::try_from(exponent).is_ok_and(|exponent| exponent >= most) {
        return scientific(&format!("{mantissa}e{exponent}"));
    }
    let after = i32::try_from(count)
        .unwrap_or(i32::MAX)
        .saturating_sub(exponent + 1);
    format!("{number:.*}", usize::try_from(after).unwrap_or_default())
}

/// A text as Go's source has it.
fn quoted(text: &str, is_ascii: bool) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            c if is_printable(c) && (c.is_ascii() || !is_ascii) => quoted.push(c),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

fn type_name(value: &Datum<'_>) -> &'static str {
    match value {
        Datum::Missing | Datum::Null => "<nil>",
        Datum::Bool(_) => "bool",
        Datum::Whole(_) => "int",
        Datum::Decimal(_) => "float64",
        Datum::Text(_) => "string",
        Datum::List(_) => "[]interface {}",
        Datum::Map(_) => "map[string]interface {}",
    }
}
