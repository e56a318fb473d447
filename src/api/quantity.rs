//! Quantities of resources: `500m`, `1Gi`, `2e3`. Only told apart, never calculated with.

use serde_json::Value;

/// Binary suffixes, by the power of 1024 that they stand for.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// Decimal suffixes, by the power of ten that they stand for.
const DECIMAL: [(&str, i32); 9] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// Parts of one that are told apart; Kubernetes rounds up to the same.
const FINEST: i32 = 9;

/// Reads a quantity, in billionths; nothing when it is none, or too large to be told.
#[must_use]
pub fn billionths(text: &str) -> Option<i128> {
    let digits = text
        .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (factor, power) = match suffix {
        "" => (1, 0),
        _ => {
            let binary = BINARY.iter().position(|known| *known == suffix);
            let decimal = DECIMAL.iter().find(|(known, _)| *known == suffix);
            match (binary, decimal, suffix.strip_prefix(['e', 'E'])) {
                (Some(at), _, _) => (1024_i128.checked_pow(u32::try_from(at).ok()? + 1)?, 0),
                (_, Some((_, power)), _) => (1, *power),
                (_, _, Some(exponent)) => (1, exponent.parse().ok()?),
                _ => return None,
            }
        }
    };
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let plain = format!("{whole}{part}");
    if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mantissa = plain.parse::<i128>().ok()?.checked_mul(factor)?;
    let power = power + FINEST - i32::try_from(part.len()).ok()?;
    let scale = 10_i128.checked_pow(power.unsigned_abs())?;
    let size = if power >= 0 {
        mantissa.checked_mul(scale)?
    } else {
        // Rounded up, as the server does.
        mantissa.checked_add(scale - 1)? / scale
    };
    Some(sign * size)
}

/// Whether two values are the same quantity; numbers count as their text.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    let read = |value: &Value| match value {
        Value::String(text) => billionths(text),
        Value::Number(number) => billionths(&number.to_string()),
        _ => None,
    };
    a == b || read(a).is_some_and(|a| read(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{billionths, same};

    #[test]
    fn reads_what_kubernetes_reads() {
        let cases = [
            ("1", Some(1_000_000_000)),
            ("1000m", Some(1_000_000_000)),
            ("0.5", Some(500_000_000)),
            (".5", Some(500_000_000)),
            ("1Ki", Some(1_024_000_000_000)),
            ("1.5Ki", Some(1_536_000_000_000)),
            ("2e3", Some(2_000_000_000_000)),
            ("2E-3", Some(2_000_000)),
            ("1E", Some(1_000_000_000_000_000_000_000_000_000)),
            ("-1k", Some(-1_000_000_000_000)),
            ("", None),
            ("x", None),
            ("1x", None),
            ("1.2.3", None),
            ("1-2", None),
            ("1e99", None),
        ];
        for (text, expected) in cases {
            assert_eq!(billionths(text), expected, "{text:?}");
        }
        assert!(same(&json!(1), &json!("1000m")));
        assert!(!same(&json!("1Mi"), &json!("1M")));
        assert!(same(&json!(null), &json!(null)));
    }
}
