//! `5` or `"20%"`, and the two ways to round.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An absolute number or a percentage; text that is neither survives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum IntOrPercent {
    /// A count, taken as it is.
    Int(i32),
    /// Whole percent of some total.
    Percent(i32),
    /// Text that is no percentage. It counts as nothing, as upstream does.
    Other(String),
}

/// Which way a fraction goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Round {
    /// Away from zero: replicas of a step, surge.
    Up,
    /// Towards zero: unavailability.
    Down,
}

impl IntOrPercent {
    /// The count this stands for out of `total`. Not clamped.
    #[must_use]
    pub fn of(&self, total: i32, round: Round) -> i32 {
        match self {
            Self::Int(n) => *n,
            Self::Percent(p) => {
                let product = i64::from(*p) * i64::from(total);
                let scaled = match round {
                    Round::Up => product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0),
                    Round::Down => product.div_euclid(100),
                };
                i32::try_from(scaled).unwrap_or(if scaled < 0 { i32::MIN } else { i32::MAX })
            }
            Self::Other(_) => 0,
        }
    }
}

impl From<&str> for IntOrPercent {
    fn from(text: &str) -> Self {
        match text.strip_suffix('%').map(str::parse) {
            Some(Ok(percent)) => Self::Percent(percent),
            _ => Self::Other(text.to_owned()),
        }
    }
}

impl std::fmt::Display for IntOrPercent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Percent(p) => write!(f, "{p}%"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Serialize for IntOrPercent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(n) => serializer.serialize_i32(*n),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for IntOrPercent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = IntOrPercent;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an integer or a percentage such as \"20%\"")
            }
            // An API server takes any integer here, and one object that cannot be read would be nobody's to take care of.
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Self::Value, E> {
                let nearest = if n < 0 { i32::MIN } else { i32::MAX };
                Ok(IntOrPercent::Int(i32::try_from(n).unwrap_or(nearest)))
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Self::Value, E> {
                Ok(IntOrPercent::Int(i32::try_from(n).unwrap_or(i32::MAX)))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(IntOrPercent::from(text))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for IntOrPercent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "IntOrPercent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "x-kubernetes-int-or-string": true })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{IntOrPercent, Round};

    #[test]
    fn rounds_both_ways() {
        let cases = [
            ("20%", 5, 1, 1),
            ("50%", 5, 3, 2),
            ("25%", 5, 2, 1),
            ("100%", 5, 5, 5),
            ("1%", 1, 1, 0),
            ("x", 5, 0, 0),
        ];
        let seen: Vec<_> = cases
            .iter()
            .map(|(text, total, ..)| {
                let value = IntOrPercent::from(*text);
                (
                    *text,
                    *total,
                    value.of(*total, Round::Up),
                    value.of(*total, Round::Down),
                )
            })
            .collect();
        assert_eq!(seen, cases);
        assert_eq!(IntOrPercent::Int(7).of(5, Round::Up), 7);
    }

    #[test]
    fn what_is_too_large_is_as_large_as_can_be() {
        let read = |text: &str| serde_json::from_str::<IntOrPercent>(text).unwrap();
        assert_eq!(read("3000000000"), IntOrPercent::Int(i32::MAX));
        assert_eq!(read("-3000000000"), IntOrPercent::Int(i32::MIN));
    }

    #[test]
    fn survives_a_round_trip() {
        for text in ["3", "\"20%\"", "\"many\""] {
            let value: IntOrPercent = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
    }
}
