//! Spans of time as templates write them.

use jiff::SignedDuration;

/// Reads `500ms`, `30s`, `5m`, `1h30m`: a number and its unit, as often as one likes.
#[must_use]
pub fn period(text: &str) -> Option<SignedDuration> {
    let mut rest = text.trim();
    let mut all = SignedDuration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match rest.get(..unit)? {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        all = all.checked_add(SignedDuration::from_millis(number.checked_mul(millis)?))?;
        rest = rest.get(unit..)?;
    }
    Some(all)
}
