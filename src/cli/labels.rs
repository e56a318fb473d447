//! Label selectors as they are typed: what the API server would refuse is refused before anything is asked.

/// Reads a label selector, such as `app=web,tier!=db,env in (a,b),!old`.
///
/// # Errors
/// When the API server would not take it; an empty one, which a variable that is not set makes, would mean everything.
pub(super) fn labels(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is empty; --all means every one".to_owned());
    }
    for part in parts(text)? {
        requirement(part.trim()).map_err(|why| format!("in {:?}: {why}", part.trim()))?;
    }
    Ok(text.to_owned())
}

/// The requirements: commas in parentheses separate values.
fn parts(text: &str) -> Result<Vec<&str>, String> {
    let (mut open, mut start, mut parts) = (false, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' if open => return Err("a parenthesis is opened twice".to_owned()),
            '(' => open = true,
            ')' if !open => return Err("a parenthesis is closed that was not opened".to_owned()),
            ')' => open = false,
            ',' if !open => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return Err("a parenthesis is not closed".to_owned());
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn requirement(part: &str) -> Result<(), String> {
    if let Some(name) = part.strip_prefix('!') {
        return key(name);
    }
    if let Some((head, list)) = part.split_once('(') {
        let list = list
            .strip_suffix(')')
            .ok_or_else(|| "something follows the values".to_owned())?;
        let (name, operator) = head
            .trim()
            .rsplit_once(char::is_whitespace)
            .filter(|(_, operator)| matches!(*operator, "in" | "notin"))
            .ok_or_else(|| "values in parentheses follow 'in' or 'notin'".to_owned())?;
        if list.trim().is_empty() {
            return Err(format!("{operator} needs values"));
        }
        key(name)?;
        return list.split(',').try_for_each(value);
    }
    let compared = ["!=", "==", "="]
        .into_iter()
        .find_map(|operator| part.split_once(operator));
    if let Some((name, wanted)) = compared {
        key(name)?;
        return value(wanted);
    }
    if let Some((name, number)) = part.split_once(['<', '>']) {
        key(name)?;
        let number = number.trim();
        return match number.parse::<i64>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("{number:?} is no whole number")),
        };
    }
    key(part)
}

fn key(text: &str) -> Result<(), String> {
    let text = text.trim();
    let name = match text.split_once('/') {
        None => text,
        Some((prefix, name)) => {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
            if prefix.is_empty() || prefix.len() > 253 || !prefix.chars().all(fits) {
                return Err(format!("{prefix:?} is no prefix of a label"));
            }
            name
        }
    };
    if name.is_empty() || !is_word(name) {
        return Err(format!("{text:?} is no name of a label"));
    }
    Ok(())
}

fn value(text: &str) -> Result<(), String> {
    let text = text.trim();
    if text.is_empty() || is_word(text) {
        return Ok(());
    }
    Err(format!("{text:?} is no value of a label"))
}

/// At most 63 letters, digits, `-`, `_` and `.`, a letter or digit at both ends.
fn is_word(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::labels;

    #[test]
    fn takes_what_the_api_server_takes() {
        let cases = [
            ("app=web", Ok(())),
            ("app==web,tier!=db", Ok(())),
            ("a.b/c in (x, y),!old,z", Ok(())),
            ("app notin (web)", Ok(())),
            ("app=", Ok(())),
            ("n>3", Ok(())),
            ("app in (", Err("a parenthesis is not closed")),
            ("app in (a))", Err("a parenthesis is closed that was not opened")),
            ("app in ((a)", Err("a parenthesis is opened twice")),
            ("app in ()", Err("in \"app in ()\": in needs values")),
            (
                "app near (a)",
                Err("in \"app near (a)\": values in parentheses follow 'in' or 'notin'"),
            ),
            ("a=b,", Err("in \"\": \"\" is no name of a label")),
            ("a b", Err("in \"a b\": \"a b\" is no name of a label")),
            ("=b", Err("in \"=b\": \"\" is no name of a label")),
            ("a=b c", Err("in \"a=b c\": \"b c\" is no value of a label")),
            ("a>b", Err("in \"a>b\": \"b\" is no whole number")),
            (" ", Err("it is empty; --all means every one")),
        ];
        for (text, expected) in cases {
            let seen = labels(text);
            assert_eq!(
                seen.as_ref().map(|_| ()).map_err(String::as_str),
                expected,
                "{text}"
            );
        }
    }
}
