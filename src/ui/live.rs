//! A view that is repainted in place.

use console::Term;

use crate::error::Result;

/// Owns a part of the terminal; gives the cursor back when dropped.
pub struct Live {
    term: Term,
    drawn: usize,
}

impl Live {
    /// Takes stdout.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn new() -> Result<Self> {
        let term = Term::buffered_stdout();
        term.hide_cursor()?;
        Ok(Self { term, drawn: 0 })
    }

    /// Paints text over what was painted before, cut to the size of the terminal.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn paint(&mut self, text: &str) -> Result<()> {
        let (rows, columns) = self.term.size();
        let lines = fit(text, rows.into(), columns.into());
        // Reflow after a resize may have made more of the old lines; never more than the screen holds.
        self.term
            .clear_last_lines(self.drawn.min(usize::from(rows).saturating_sub(1)))?;
        for line in &lines {
            self.term.write_line(line)?;
        }
        self.drawn = lines.len();
        Ok(self.term.flush()?)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone.
        let _ = self.term.show_cursor();
        let _ = self.term.flush();
    }
}

/// Cuts text to a screen: the last row stays free for the cursor, long lines end in `…`.
#[must_use]
pub fn fit(text: &str, rows: usize, columns: usize) -> Vec<String> {
    let room = rows.saturating_sub(1).max(1);
    let all: Vec<&str> = text.lines().collect();
    let cut = |line: &&str| console::truncate_str(line, columns, "…").into_owned();
    if all.len() <= room {
        return all.iter().map(cut).collect();
    }
    let mut lines: Vec<String> = all.iter().take(room - 1).map(cut).collect();
    lines.push(format!("… {} more lines", all.len() + 1 - room));
    lines
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn fits_the_screen() {
        assert_eq!(fit("a\nb\nc", 4, 80), ["a", "b", "c"]);
        assert_eq!(fit("a\nb\nc\nd", 4, 80), ["a", "b", "… 2 more lines"]);
        assert_eq!(fit("0123456789", 4, 5), ["0123…"]);
    }
}
