//! What a part of a template gives.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A value of a document, or of the template itself.
#[derive(Clone, Debug)]
pub(super) enum Datum<'a> {
    /// What is not there.
    Missing,
    /// A document's null. The end of a pipeline is [`Datum::Missing`] instead.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Decimal(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list.
    List(&'a [Value]),
    /// An object.
    Map(&'a Map<String, Value>),
}

impl<'a> From<&'a Value> for Datum<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => Self::Whole(whole),
                None => number.as_f64().map_or(Self::Missing, Self::Decimal),
            },
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(elements) => Self::List(elements),
            Value::Object(fields) => Self::Map(fields),
        }
    }
}

impl Datum<'_> {
    /// Whether `if` takes it for true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Whole(number) => *number != 0,
            Self::Decimal(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(elements) => !elements.is_empty(),
            Self::Map(fields) => !fields.is_empty(),
        }
    }

    /// Whether it is nothing.
    pub(super) fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    /// What it is, as it is told.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Missing | Self::Null => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a decimal number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }
}
