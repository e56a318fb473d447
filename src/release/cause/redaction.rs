//! Secrets that registries, proxies and webhooks put into their messages.

/// Words after which a secret stands.
const BEFORE: [&str; 9] = [
    "password=",
    "passwd=",
    "token=",
    "secret=",
    "apikey=",
    "api_key=",
    "access_key=",
    "signature=",
    "credential=",
];

/// Schemes of `Authorization` headers.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// Beginnings of tokens that are known by them.
const TOKENS: [&str; 8] = [
    "dckr_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "eyJ",
];

/// What stands for a secret.
const HIDDEN: &str = "***";

/// A text without credentials: those in URLs, the queries of URLs, tokens, and the account that a registry names when it
/// has had enough.
#[must_use]
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (kept, hidden) = secret(rest, out.chars().next_back());
        if hidden > 0 {
            out.push_str(&rest[..kept]);
            out.push_str(HIDDEN);
            rest = &rest[kept + hidden..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How much of the text stays, and how much after it is a secret, when one begins here.
fn secret(text: &str, before: Option<char>) -> (usize, usize) {
    let nothing = (0, 0);
    if let Some(url) = text.strip_prefix("://") {
        let end = url
            .find(|c: char| c.is_whitespace() || "\"'<>()".contains(c))
            .unwrap_or(url.len());
        let authority = url[..end].find(['/', '?']).unwrap_or(end);
        if let Some(at) = url[..authority].rfind('@') {
            return (3, at);
        }
        return nothing;
    }
    if let Some(query) = text.strip_prefix('?')
        && before.is_some_and(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c))
    {
        let end = query
            .find(|c: char| c.is_whitespace() || "\"'<>()".contains(c))
            .unwrap_or(query.len());
        if query[..end].contains('=') {
            return (1, end);
        }
    }
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return nothing;
    }
    let word = |from: usize| {
        let tail = &text[from..];
        tail.find(|c: char| c.is_whitespace() || "\"'<>(),;&".contains(c))
            .unwrap_or(tail.len())
    };
    let starts = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    for prefix in BEFORE.iter().chain(&SCHEMES) {
        if starts(prefix) && word(prefix.len()) >= if prefix.ends_with(' ') { 8 } else { 1 } {
            return (prefix.len(), word(prefix.len()));
        }
    }
    if let Some(prefix) = TOKENS.iter().find(|prefix| text.starts_with(**prefix))
        && word(0) >= prefix.len() + 8
    {
        return (0, word(0));
    }
    for prefix in ["rate limit as '", "rate limit as \"", "logged in as '"] {
        if starts(prefix) {
            return (prefix.len(), text[prefix.len()..].find(['\'', '"']).unwrap_or(0));
        }
    }
    nothing
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn trap25_hides_what_must_not_be_shown() {
        let cases = [
            (
                "pull https://bob:hunter2@reg.io/web:v1 failed",
                "pull https://***@reg.io/web:v1 failed",
            ),
            (
                "Get \"https://s3.io/blob?X-Amz-Signature=abc&x=1\": EOF",
                "Get \"https://s3.io/blob?***\": EOF",
            ),
            ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"),
            ("basic auth is not allowed", "basic auth is not allowed"),
            (
                "You have reached your pull rate limit as 'acme': dckr_jti_0123456789abc. Upgrade",
                "You have reached your pull rate limit as '***': *** Upgrade",
            ),
            ("password=hunter2, user=bob", "password=***, user=bob"),
            ("ghp_0123456789abcdef is bad", "*** is bad"),
            ("what? a=b", "what? a=b"),
            (
                "Back-off pulling image \"reg.io/web@sha256:abc\"",
                "Back-off pulling image \"reg.io/web@sha256:abc\"",
            ),
            ("ä://ü@ö", "ä://***@ö"),
        ];
        for (text, expected) in cases {
            assert_eq!(redacted(text), expected);
        }
    }
}
