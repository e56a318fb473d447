//! A view that is repainted in place, and the keys typed meanwhile.

use std::{
    io::{self, Write},
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    QueueableCommand, cursor,
    event::{Event, EventStream, KeyCode, KeyEventKind, KeyModifiers},
    terminal,
};
use futures::StreamExt;

use super::painted;
use crate::{
    error::Result,
    view::{Line, Size},
};

/// What a person did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// A key with a character.
    Key(char),
    /// One up.
    Up,
    /// One down.
    Down,
    /// Into what is selected.
    Enter,
    /// Back.
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// The terminal has another size.
    Resized,
}

/// Whether the terminal is in a state that must not outlive us.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether keys come one by one.
static RAW: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back. May be called at any time, more than once, from a panic as well.
fn give_back() {
    // Nothing can be done about a terminal that has gone.
    if RAW.swap(false, Ordering::SeqCst) {
        let _ = terminal::disable_raw_mode();
    }
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout().lock();
        let _ = out.queue(terminal::EndSynchronizedUpdate);
        let _ = out.queue(cursor::Show);
        let _ = out.flush();
    }
}

/// A release build ends at a panic without dropping anything; the terminal is given back first.
fn guard_against_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
    });
}

/// Owns a part of the terminal; gives it back when dropped.
pub struct Live {
    color: bool,
    keys: Option<EventStream>,
    wants_keys: bool,
    /// Columns of each line that is on the screen.
    drawn: Vec<usize>,
}

impl Live {
    /// Takes stdout, and the keyboard where there is one.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn new(color: bool, keys: bool) -> Result<Self> {
        guard_against_panics();
        let mut live = Self {
            color,
            keys: None,
            wants_keys: keys,
            drawn: Vec::new(),
        };
        live.take()?;
        Ok(live)
    }

    fn take(&mut self) -> Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        if self.wants_keys {
            terminal::enable_raw_mode()?;
            RAW.store(true, Ordering::SeqCst);
            self.keys = Some(EventStream::new());
        }
        let mut out = io::stdout().lock();
        out.queue(cursor::Hide)?;
        Ok(out.flush()?)
    }

    /// Whether keys are read.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.wants_keys
    }

    /// Columns and rows there are for a view: the last row stays free for the cursor.
    #[must_use]
    pub fn size(&self) -> Size {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        Size {
            columns: usize::from(columns).max(1),
            rows: usize::from(rows).saturating_sub(1).max(1),
        }
    }

    /// Waits for the next thing a person does; for ever where there is no keyboard.
    pub async fn input(&mut self) -> Input {
        loop {
            let Some(keys) = &mut self.keys else {
                return std::future::pending().await;
            };
            match keys.next().await {
                Some(Ok(event)) => {
                    if let Some(input) = read(&event) {
                        return input;
                    }
                }
                // The keyboard has gone.
                Some(Err(_)) | None => self.keys = None,
            }
        }
    }

    /// Paints lines over what was painted before.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn paint(&mut self, lines: &[Line]) -> Result<()> {
        let size = self.size();
        let text = picture(&self.drawn, lines, size, self.color)?;
        self.drawn = lines
            .iter()
            .take(size.rows)
            .map(|line| line.width().min(size.columns))
            .collect();
        let mut out = io::stdout().lock();
        out.write_all(&text)?;
        Ok(out.flush()?)
    }

    /// Wipes the view off and gives the terminal to somebody else for a while.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn suspend(&mut self) -> Result<()> {
        self.paint(&[])?;
        self.keys = None;
        give_back();
        Ok(())
    }

    /// Takes the terminal again.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    pub fn resume(&mut self) -> Result<()> {
        self.drawn.clear();
        self.take()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.keys = None;
        give_back();
    }
}

/// What is sent to a terminal so that `lines` stand where `drawn` stood.
fn picture(drawn: &[usize], lines: &[Line], size: Size, color: bool) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    out.queue(terminal::BeginSynchronizedUpdate)?;
    // After a resize, lines that were wider than the terminal now is take several rows. The cursor is below the last one,
    // and never more than a screen is taken back.
    let rows: usize = drawn
        .iter()
        .map(|width| width.div_ceil(size.columns).max(1))
        .sum();
    let up = rows.min(size.rows);
    if up > 0 {
        out.queue(cursor::MoveUp(u16::try_from(up).unwrap_or(u16::MAX)))?;
    }
    out.queue(cursor::MoveToColumn(0))?;
    for line in lines.iter().take(size.rows) {
        out.extend(painted(&line.cut(size.columns), color).into_bytes());
        out.queue(terminal::Clear(terminal::ClearType::UntilNewLine))?;
        out.extend(b"\r\n");
    }
    out.queue(terminal::Clear(terminal::ClearType::FromCursorDown))?;
    out.queue(terminal::EndSynchronizedUpdate)?;
    Ok(out)
}

fn read(event: &Event) -> Option<Input> {
    match event {
        Event::Resize(..) => Some(Input::Resized),
        Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Input::Interrupt)
            }
            KeyCode::Char('k') | KeyCode::Up => Some(Input::Up),
            KeyCode::Char('j') | KeyCode::Down => Some(Input::Down),
            KeyCode::Char(key) => Some(Input::Key(key.to_ascii_lowercase())),
            KeyCode::Enter => Some(Input::Enter),
            KeyCode::Esc | KeyCode::Backspace => Some(Input::Escape),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::picture;
    use crate::view::{Line, Size, Tone};

    #[test]
    fn paints_over_what_was_there() {
        let size = Size { columns: 5, rows: 3 };
        let lines: Vec<Line> = ["abc", "0123456"].map(|text| Line::new(text, Tone::Good)).into();
        let text = |drawn: &[usize], lines: &[Line]| {
            String::from_utf8(picture(drawn, lines, size, false).unwrap())
                .unwrap()
                .replace('\u{1b}', "^")
        };
        assert_eq!(text(&[], &lines), "^[?2026h^[1Gabc^[K\r\n0123…^[K\r\n^[J^[?2026l");
        // One line of ten columns takes two rows since the terminal is narrower.
        assert_eq!(text(&[10], &[]), "^[?2026h^[2A^[1G^[J^[?2026l");
        // More than a screen is never taken back: it would be somebody else's.
        assert_eq!(text(&[10, 10, 10], &[]), "^[?2026h^[3A^[1G^[J^[?2026l");
    }
}
