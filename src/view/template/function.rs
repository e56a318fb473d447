//! The functions that a template can call: Go's, and kubectl's `exists` and `base64decode`.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    datum::Datum,
    print::{self, shown},
};

/// A function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Function {
    And,
    Base64Decode,
    Eq,
    Exists,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    UrlQuery,
}

/// Names, and how many arguments they take.
const FUNCTIONS: [(&str, Function, usize, usize); 20] = {
    use Function::*;
    const ANY: usize = usize::MAX;
    [
        ("and", And, 1, ANY),
        ("base64decode", Base64Decode, 1, 1),
        ("eq", Eq, 1, ANY),
        ("exists", Exists, 1, ANY),
        ("ge", Ge, 2, 2),
        ("gt", Gt, 2, 2),
        ("html", Html, 0, ANY),
        ("index", Index, 1, ANY),
        ("js", Js, 0, ANY),
        ("le", Le, 2, 2),
        ("len", Len, 1, 1),
        ("lt", Lt, 2, 2),
        ("ne", Ne, 2, 2),
        ("not", Not, 1, 1),
        ("or", Or, 1, ANY),
        ("print", Print, 0, ANY),
        ("printf", Printf, 1, ANY),
        ("println", Println, 0, ANY),
        ("slice", Slice, 1, 4),
        ("urlquery", UrlQuery, 0, ANY),
    ]
};

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        FUNCTIONS
            .iter()
            .find(|(known, ..)| *known == name)
            .map(|(_, function, ..)| *function)
    }

    pub(super) fn names() -> String {
        FUNCTIONS.map(|(name, ..)| name).join(", ")
    }

    fn entry(self) -> (&'static str, usize, usize) {
        FUNCTIONS
            .iter()
            .find(|(_, function, ..)| *function == self)
            .map_or(("", 0, 0), |(name, _, least, most)| (*name, *least, *most))
    }

    pub(super) fn name(self) -> &'static str {
        self.entry().0
    }

    /// Whether it takes so many arguments.
    pub(super) fn takes(self, count: usize) -> Result<(), String> {
        let (name, least, most) = self.entry();
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let want = match (least, most) {
            (least, most) if least == most => least.to_string(),
            (least, usize::MAX) => format!("at least {least}"),
            (least, most) => format!("{least} to {most}"),
        };
        Err(format!(
            "wrong number of arguments for {name}: want {want}, got {count}"
        ))
    }

    /// What it gives for these arguments, of which there are as many as it takes.
    pub(super) fn call<'a>(self, given: &[Datum<'a>]) -> Result<Datum<'a>, String> {
        let (first, second) = (
            given.first().unwrap_or(&Datum::Missing),
            given.get(1).unwrap_or(&Datum::Missing),
        );
        let text = |text: String| Ok(Datum::Text(Cow::Owned(text)));
        match self {
            // They are answered before all of their arguments are known.
            Self::And | Self::Or => Ok(given.last().cloned().unwrap_or(Datum::Missing)),
            Self::Not => Ok(Datum::Bool(!first.truth())),
            Self::Len => length(first).map(Datum::Whole),
            Self::Index if first.is_nil() => Err("can't index nothing".to_owned()),
            Self::Index => given
                .iter()
                .skip(1)
                .try_fold(first.clone(), |value, key| index(&value, key)),
            Self::Slice => slice(given),
            Self::Exists => Ok(Datum::Bool(exists(given))),
            Self::Eq => equal_to_any(given).map(Datum::Bool),
            Self::Ne => Ok(Datum::Bool(!equal(first, second)?)),
            Self::Lt => less(first, second).map(Datum::Bool),
            Self::Le => Ok(Datum::Bool(less(first, second)? || equal(first, second)?)),
            Self::Gt => Ok(Datum::Bool(!(less(first, second)? || equal(first, second)?))),
            Self::Ge => Ok(Datum::Bool(!less(first, second)?)),
            Self::Print => text(print::joined(given)),
            Self::Println => text(print::spaced(given)),
            Self::Printf => match first {
                Datum::Text(format) => text(print::formatted(format, given.get(1..).unwrap_or_default())?),
                other => Err(format!(
                    "wrong type for value; expected string; got {}",
                    other.kind()
                )),
            },
            Self::Html => text(html(&escaped(given))),
            Self::Js => text(js(&escaped(given))),
            Self::UrlQuery => text(url(&escaped(given))),
            Self::Base64Decode => match first {
                Datum::Text(encoded) => text(base64(encoded)?),
                other => Err(format!(
                    "wrong type for value; expected string; got {}",
                    other.kind()
                )),
            },
        }
    }
}

fn length(value: &Datum<'_>) -> Result<i64, String> {
    let length = match value {
        Datum::Text(text) => text.len(),
        Datum::List(elements) => elements.len(),
        Datum::Map(fields) => fields.len(),
        other => return Err(format!("{} has no length", other.kind())),
    };
    Ok(i64::try_from(length).unwrap_or(i64::MAX))
}

/// A place in something so long, which may be its end.
fn position(key: &Datum<'_>, length: usize) -> Result<usize, String> {
    match key {
        Datum::Whole(number) => usize::try_from(*number)
            .ok()
            .filter(|place| *place <= length)
            .ok_or_else(|| format!("index out of range: {number}, length {length}")),
        other => Err(format!("cannot index with {}", other.kind())),
    }
}

fn index<'a>(value: &Datum<'a>, key: &Datum<'a>) -> Result<Datum<'a>, String> {
    match (value, key) {
        (Datum::Map(fields), Datum::Text(name)) => {
            Ok(fields.get(name.as_ref()).map_or(Datum::Null, Datum::from))
        }
        (Datum::Map(_), other) => Err(format!("an object has names as keys, not {}", other.kind())),
        (Datum::List(elements), key) => {
            let place = position(key, elements.len())?;
            let element = elements.get(place).map(Datum::from);
            element.ok_or_else(|| format!("index out of range: {place}, length {}", elements.len()))
        }
        (Datum::Text(text), key) => {
            let place = position(key, text.len())?;
            let byte = text.as_bytes().get(place);
            byte.map(|byte| Datum::Whole(i64::from(*byte)))
                .ok_or_else(|| format!("index out of range: {place}, length {}", text.len()))
        }
        (other, _) => Err(format!("can't index {}", other.kind())),
    }
}

fn slice<'a>(given: &[Datum<'a>]) -> Result<Datum<'a>, String> {
    let Some((value, keys)) = given.split_first() else {
        return Ok(Datum::Missing);
    };
    let length = match value {
        Datum::Text(text) => text.len(),
        Datum::List(elements) => elements.len(),
        other => return Err(format!("can't slice {}", other.kind())),
    };
    let places = keys
        .iter()
        .map(|key| position(key, length))
        .collect::<Result<Vec<_>, _>>()?;
    let (from, to) = (
        places.first().copied().unwrap_or_default(),
        places.get(1).copied().unwrap_or(length),
    );
    let end = places.get(2).copied().unwrap_or(length);
    if from > to || to > end {
        return Err(format!("invalid slice index: {from} > {to}, or {to} > {end}"));
    }
    match value {
        Datum::Text(_) if places.len() > 2 => Err("cannot 3-index slice a string".to_owned()),
        Datum::Text(text) => text
            .get(from..to)
            .map(|part| Datum::Text(Cow::Owned(part.to_owned())))
            .ok_or_else(|| format!("{from}:{to} cuts a character of the text in two")),
        Datum::List(elements) => Ok(Datum::List(elements.get(from..to).unwrap_or_default())),
        _ => Ok(Datum::Missing),
    }
}

/// Whether `index` would find something that is not null.
fn exists(given: &[Datum<'_>]) -> bool {
    let Some((value, keys)) = given.split_first() else {
        return false;
    };
    let found = keys
        .iter()
        .try_fold(value.clone(), |value, key| index(&value, key));
    found.is_ok_and(|found| !found.is_nil())
}

const INCOMPATIBLE: &str = "incompatible types for comparison";

fn incompatible(left: &Datum<'_>, right: &Datum<'_>) -> String {
    let tip = match (left, right) {
        (Datum::Decimal(_), Datum::Whole(number)) | (Datum::Whole(number), Datum::Decimal(_)) => {
            format!(": one of them is a decimal number; write {number}.0")
        }
        _ => format!(": {} and {}", left.kind(), right.kind()),
    };
    format!("{INCOMPATIBLE}{tip}")
}

fn equal(left: &Datum<'_>, right: &Datum<'_>) -> Result<bool, String> {
    match (left, right) {
        (left, right) if left.is_nil() || right.is_nil() => Ok(left.is_nil() && right.is_nil()),
        (Datum::Bool(left), Datum::Bool(right)) => Ok(left == right),
        (Datum::Whole(left), Datum::Whole(right)) => Ok(left == right),
        (Datum::Decimal(left), Datum::Decimal(right)) => Ok(left == right),
        (Datum::Text(left), Datum::Text(right)) => Ok(left == right),
        (Datum::List(_), Datum::List(_)) | (Datum::Map(_), Datum::Map(_)) => {
            Err(format!("{} cannot be compared", left.kind()))
        }
        (left, right) => Err(incompatible(left, right)),
    }
}

fn equal_to_any(given: &[Datum<'_>]) -> Result<bool, String> {
    let Some((first, others)) = given.split_first() else {
        return Ok(false);
    };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn less(left: &Datum<'_>, right: &Datum<'_>) -> Result<bool, String> {
    match (left, right) {
        (Datum::Whole(left), Datum::Whole(right)) => Ok(left < right),
        (Datum::Decimal(left), Datum::Decimal(right)) => Ok(left.partial_cmp(right) == Some(Ordering::Less)),
        (Datum::Text(left), Datum::Text(right)) => Ok(left < right),
        (
            Datum::Whole(_) | Datum::Decimal(_) | Datum::Text(_),
            Datum::Whole(_) | Datum::Decimal(_) | Datum::Text(_),
        ) => Err(incompatible(left, right)),
        (left, right) => Err(format!(
            "invalid type for comparison: {} and {}",
            left.kind(),
            right.kind()
        )),
    }
}

/// The text that is to be escaped.
fn escaped(given: &[Datum<'_>]) -> String {
    match given {
        [Datum::Text(text)] => text.to_string(),
        given => {
            let nothing: Vec<Datum<'_>> = given
                .iter()
                .map(|value| match value {
                    value if value.is_nil() => Datum::Text(Cow::Owned(shown(value))),
                    value => value.clone(),
                })
                .collect();
            print::joined(&nothing)
        }
    }
}

fn html(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\0' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn js(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '\'' | '"' => escaped.extend(['\\', c]),
            '<' | '>' | '&' | '=' => escaped.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if (c.is_ascii() && c < ' ') || (!c.is_ascii() && !print::is_printable(c)) => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn url(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' => escaped.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            byte => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// Decodes standard base64 with its padding; line ends are passed over.
fn base64(text: &str) -> Result<String, String> {
    let wrong = |place: usize| format!("base64 decode failed: illegal base64 data at input byte {place}");
    let mut bytes = Vec::new();
    let (mut kept, mut count, mut padding) = (0_u32, 0_u32, 0_u32);
    for (place, byte) in text.bytes().enumerate() {
        let digit = match byte {
            b'\r' | b'\n' => continue,
            b'=' if count % 4 >= 2 || padding > 0 => {
                padding += 1;
                if count % 4 + padding > 4 {
                    return Err(wrong(place));
                }
                continue;
            }
            _ if padding > 0 => return Err(wrong(place)),
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return Err(wrong(place)),
        };
        kept = (kept << 6 | u32::from(digit)) & 0x00ff_ffff;
        count += 1;
        if count % 4 == 0 {
            bytes.extend_from_slice(&kept.to_be_bytes()[1..]);
        }
    }
    match (count % 4, padding) {
        (0, 0) => {}
        (2, 2) => bytes.push(kept.to_be_bytes()[2].wrapping_shl(4) | kept.to_be_bytes()[3] >> 4),
        (3, 1) => {
            let three = (kept << 6).to_be_bytes();
            bytes.extend_from_slice(&three[1..3]);
        }
        _ => return Err(wrong(text.len())),
    }
    String::from_utf8(bytes).map_err(|_| "what was encoded is no text (UTF-8)".to_owned())
}
