//! A line of a screen: pieces of text, each with what it means.

use super::Tone;

/// A piece of a line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Span {
    /// The text; no line breaks, no control characters.
    pub text: String,
    /// What it means.
    pub tone: Tone,
}

/// A line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line(pub Vec<Span>);

/// A line of texts and tones.
#[must_use]
pub fn words(parts: impl IntoIterator<Item = (String, Tone)>) -> Line {
    let mut line = Line::default();
    for (text, tone) in parts {
        line.push(text, tone);
    }
    line
}

impl Line {
    /// A line of one tone.
    #[must_use]
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        words([(text.into(), tone)])
    }

    /// Adds a piece. Control characters, which would move a terminal's cursor, become spaces.
    pub fn push(&mut self, text: impl Into<String>, tone: Tone) {
        let text = text.into().replace(char::is_control, " ");
        self.0.push(Span { text, tone });
    }

    /// The text without its tones.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(|span| span.text.as_str()).collect()
    }

    /// Columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|span| width(&span.text)).sum()
    }

    /// The line broken at spaces into lines of at most so many columns, those after the first indented. Of one that is
    /// broken only the tone of its end is kept.
    #[must_use]
    pub fn folded(&self, columns: usize, indent: usize) -> Vec<Self> {
        if self.width() <= columns {
            return vec![self.clone()];
        }
        let text = self.text();
        let tone = self.0.last().map(|span| span.tone).unwrap_or_default();
        let lead = text.len() - text.trim_start().len();
        let parts = wrapped(&text, columns.saturating_sub(indent.max(lead)).max(1));
        let lines = parts.into_iter().enumerate().map(|(at, part)| {
            let before = if at == 0 { lead } else { indent };
            Self::new(format!("{}{part}", " ".repeat(before)), tone)
        });
        lines.collect()
    }

    /// The line cut to so many columns; what was cut is told by `…`.
    #[must_use]
    pub fn cut(&self, columns: usize) -> Self {
        if self.width() <= columns {
            return self.clone();
        }
        let mut room = columns.saturating_sub(1);
        let mut line = Self::default();
        let mut tone = Tone::Plain;
        for span in &self.0 {
            let kept = console::truncate_str(&span.text, room, "").into_owned();
            room -= width(&kept).min(room);
            tone = span.tone;
            let whole = kept == span.text;
            line.0.push(Span { text: kept, tone });
            if !whole {
                break;
            }
        }
        if columns > 0 {
            line.push("…", tone);
        }
        line
    }
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// A text broken at spaces into pieces of at most so many columns; a word that is longer stays whole.
#[must_use]
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(last) if width(last) + 1 + width(word) <= columns => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Line, Tone, words, wrapped};

    #[test]
    fn is_cut_by_columns_and_says_so() {
        let line = words([("ab".to_owned(), Tone::Good), ("日本語".to_owned(), Tone::Bad)]);
        let cases = [
            (8, "ab日本語"),
            (7, "ab日本…"),
            (6, "ab日…"),
            (3, "ab…"),
            (1, "…"),
            (0, ""),
        ];
        for (columns, expected) in cases {
            let cut = line.cut(columns);
            assert_eq!(cut.text(), expected, "{columns}");
            assert!(cut.width() <= columns);
        }
        assert_eq!(Line::new("a\u{1b}[2J\nb", Tone::Plain).text(), "a [2J b");
    }

    #[test]
    fn is_folded_with_an_indent() {
        let line = words([
            ("  ab ".to_owned(), Tone::Good),
            ("cd efg hi".to_owned(), Tone::Faint),
        ]);
        let folded: Vec<String> = line.folded(9, 4).iter().map(Line::text).collect();
        assert_eq!(folded, ["  ab cd", "    efg", "    hi"]);
        assert_eq!(line.folded(14, 4), [line]);
    }

    #[test]
    fn is_wrapped_at_spaces() {
        assert_eq!(wrapped("aa bb cccccc d", 5), ["aa bb", "cccccc", "d"]);
        assert_eq!(wrapped("", 5), Vec::<String>::new());
    }
}
