//! The only printer: stdout is data, stderr is talk. Colour follows `--color`, then NO_COLOR, then CLICOLOR_FORCE, then
//! whether there is a terminal, and never carries meaning alone.

pub mod live;
pub mod progress;

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use comfy_table::{ContentArrangement, presets};
use owo_colors::{OwoColorize, Style};
use serde_json::Value;

use crate::{
    cli::values::{ColorChoice, Reader},
    error::{Error, Kind, Result},
    view::{Block, Format, Line, Table, Tone},
};

pub use live::Live;
pub use progress::Progress;

/// Where a person can be reached, and in which colours.
#[derive(Clone, Debug)]
pub struct Ui {
    out_color: bool,
    err_color: bool,
    out_terminal: bool,
    err_terminal: bool,
    in_terminal: bool,
    reader: Reader,
    are_several: Arc<AtomicBool>,
    has_changes: Arc<AtomicBool>,
    collected: Arc<Mutex<Option<Collected>>>,
}

/// Documents that are printed together.
type Collected = (Format, Vec<Value>);

/// What decides about colour.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    no_color: bool,
    forced: bool,
    dumb: bool,
}

impl Surroundings {
    fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            no_color: set("NO_COLOR").is_some() || set("CLICOLOR").is_some_and(|value| value == "0"),
            forced: set("CLICOLOR_FORCE")
                .or_else(|| set("FORCE_COLOR"))
                .is_some_and(|value| value != "0"),
            dumb: set("TERM").is_some_and(|value| value == "dumb"),
        }
    }

    fn color(&self, choice: ColorChoice, terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.forced || terminal && !self.dumb,
        }
    }
}

impl Ui {
    /// Looks at the surroundings.
    #[must_use]
    pub fn new(choice: ColorChoice) -> Self {
        let around = Surroundings::read();
        let (out_terminal, err_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            out_color: around.color(choice, out_terminal),
            err_color: around.color(choice, err_terminal),
            // A terminal that cannot move its cursor is written to line by line.
            out_terminal: out_terminal && !around.dumb,
            err_terminal: err_terminal && !around.dumb,
            in_terminal: io::stdin().is_terminal(),
            reader: Reader::default(),
            are_several: Arc::default(),
            has_changes: Arc::default(),
            collected: Arc::default(),
        }
    }

    /// Knows who reads stdout.
    #[must_use]
    pub fn read_by(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// Notes that several objects may be meant: they are a List then, also where only one was found.
    pub fn expect_several(&self, several: bool) {
        self.are_several.store(several, Ordering::Relaxed);
    }

    /// Whether stdout is a terminal that can be repainted.
    #[must_use]
    pub fn can_repaint(&self) -> bool {
        self.out_terminal
    }

    /// Whether stderr is a terminal on which progress can be animated.
    #[must_use]
    pub fn can_animate(&self) -> bool {
        self.err_terminal
    }

    /// Whether talk may be coloured.
    #[must_use]
    pub fn colors_talk(&self) -> bool {
        self.err_color
    }

    /// Prints a line of data.
    ///
    /// # Errors
    /// When stdout cannot be written; a reader that has gone is [`Kind::BrokenPipe`].
    pub fn line(&self, text: &str) -> Result<()> {
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// Prints a line that goes beside what was asked for: where a program reads stdout, it is told on stderr.
    ///
    /// # Errors
    /// As [`Ui::line`].
    pub fn aside(&self, text: &str) -> Result<()> {
        match self.reader {
            Reader::Person => self.line(text),
            Reader::Program => {
                self.talk(text);
                Ok(())
            }
        }
    }

    /// Prints text of data as it is.
    ///
    /// # Errors
    /// As [`Ui::line`].
    pub fn text(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Says something on stderr.
    pub fn talk(&self, text: &str) {
        // That nobody listens on stderr changes nothing about what was done.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Warns on stderr.
    pub fn warn(&self, text: &str) {
        self.talk(&format!(
            "{} {text}",
            paint("warning:", Tone::Wait, self.err_color)
        ));
    }

    /// Hints on stderr.
    pub fn hint(&self, text: &str) {
        self.talk(&format!("{} {text}", paint("hint:", Tone::Good, self.err_color)));
    }

    /// Shows an error on stderr, with its hints after an empty line.
    pub fn error(&self, error: &Error) {
        if error.kind == Kind::BrokenPipe {
            return;
        }
        self.talk(&format!(
            "{} {}",
            paint("error:", Tone::Bad, self.err_color),
            error.message
        ));
        if !error.hints.is_empty() {
            self.talk("");
        }
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Prints a view.
    ///
    /// # Errors
    /// As [`Ui::line`].
    pub fn blocks(&self, blocks: &[Block]) -> Result<()> {
        self.text(&render(blocks, self.out_color))
    }

    /// Prints lines.
    ///
    /// # Errors
    /// As [`Ui::line`].
    pub fn lines(&self, lines: &[Line]) -> Result<()> {
        let text: String = lines
            .iter()
            .map(|line| format!("{}\n", painted(line, self.out_color)))
            .collect();
        self.text(&text)
    }

    /// Whether views on stdout may be coloured.
    #[must_use]
    pub fn colors_views(&self) -> bool {
        self.out_color
    }

    /// Whether there is a person at a keyboard.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.in_terminal
    }

    /// Prints a table.
    ///
    /// # Errors
    /// As [`Ui::line`].
    pub fn table(&self, table: &Table) -> Result<()> {
        self.text(&render_table(table))
    }

    /// Prints documents: YAML separated by `---`; JSON as one document, a List where several may be meant; templates filled
    /// in with the same, as kubectl does.
    ///
    /// # Errors
    /// As [`Ui::line`], and when a template does not fit a document.
    pub fn documents(&self, format: &Format, documents: &[Value]) -> Result<()> {
        self.written(format, documents, self.are_several.load(Ordering::Relaxed))
    }

    fn written(&self, format: &Format, documents: &[Value], are_several: bool) -> Result<()> {
        let list;
        let document = match documents {
            [only] if !are_several => only,
            _ => {
                list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": documents });
                &list
            }
        };
        match format {
            Format::Yaml => {
                let texts = documents.iter().map(yaml).collect::<Result<Vec<_>>>()?;
                self.text(&texts.join("---\n"))
            }
            Format::Json => self.line(&format!("{document:#}")),
            Format::JsonPath(path) => self.text(&path.fill(document).map_err(unfit)?),
            Format::Template(template) => self.text(&template.fill(document).map_err(unfit)?),
            Format::JsonPathAsJson(path) => {
                let found = path.find(document).map_err(unfit)?;
                self.line(&indented(&Value::Array(found))?)
            }
            Format::Columns(columns) => {
                let rows = columns.rows(documents).map_err(unfit)?;
                self.text(&render_rows(&[], &rows))
            }
        }
    }

    /// Prints a document of a stream of them: JSON and templates one a line, so that each line can be read by itself; YAML
    /// after `---`.
    ///
    /// # Errors
    /// As [`Ui::documents`].
    pub fn change(&self, format: &Format, document: &Value) -> Result<()> {
        let one = std::slice::from_ref(document);
        let is_first = !self.has_changes.swap(true, Ordering::Relaxed);
        match format {
            Format::Json => self.line(&document.to_string()),
            Format::Yaml => self.text(&format!("---\n{}", yaml(document)?)),
            Format::JsonPath(path) => {
                let text = path.fill(document).map_err(unfit)?;
                self.line(text.strip_suffix('\n').unwrap_or(&text))
            }
            Format::Template(template) => {
                let text = template.fill(document).map_err(unfit)?;
                self.line(text.strip_suffix('\n').unwrap_or(&text))
            }
            Format::Columns(columns) => {
                let rows = columns.rows(one).map_err(unfit)?;
                // The headings stand above the first change.
                self.text(&render_rows(
                    &[],
                    rows.get(usize::from(!is_first)..).unwrap_or_default(),
                ))
            }
            Format::JsonPathAsJson(_) => self.written(format, one, false),
        }
    }

    /// Keeps a document until the command has ended: several are printed as one.
    pub fn collect(&self, format: &Format, document: &Value) {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        collected
            .get_or_insert_with(|| (format.clone(), Vec::new()))
            .1
            .push(document.clone());
    }

    /// Prints what was kept.
    ///
    /// # Errors
    /// As [`Ui::documents`].
    pub fn finish(&self) -> Result<()> {
        let collected = self
            .collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        collected.map_or(Ok(()), |(format, documents)| self.documents(&format, &documents))
    }

    /// Asks a question whose answer is no unless a person on a terminal says yes. `None` where there is nobody to ask.
    ///
    /// # Errors
    /// When the terminal cannot be read.
    pub fn confirm(&self, question: &str) -> Result<Option<bool>> {
        if !self.in_terminal || !self.err_terminal {
            return Ok(None);
        }
        let answer = dialoguer::Confirm::new()
            .with_prompt(question)
            .default(false)
            .interact();
        answer
            .map(Some)
            .map_err(|dialoguer::Error::IO(error)| match error.kind() {
                io::ErrorKind::Interrupted => {
                    Error::new(Kind::Interrupted, "interrupted; nothing was changed")
                }
                _ => Error::from(error),
            })
    }
}

fn unfit(why: impl std::fmt::Display) -> Error {
    Error::new(Kind::General, format!("the template does not fit: {why}"))
}

/// A value as YAML, with a newline at its end.
///
/// # Errors
/// When it cannot be written.
pub fn yaml(value: &Value) -> Result<String> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| Error::new(Kind::General, format!("cannot write YAML: {error}")))?;
    Ok(format!("{}\n", text.trim_end_matches('\n')))
}

/// JSON with four spaces a level, as kubectl writes what templates find.
fn indented(value: &Value) -> Result<String> {
    let mut bytes = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, form);
    serde::Serialize::serialize(value, &mut writer)
        .map_err(|error| Error::new(Kind::General, format!("cannot write JSON: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn paint(text: &str, tone: Tone, color: bool) -> String {
    let style = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Strong => Style::new().bold(),
        Tone::Good => Style::new().green(),
        Tone::Wait => Style::new().yellow(),
        Tone::Bad => Style::new().red().bold(),
        Tone::Faint => Style::new().dimmed(),
    };
    if color {
        text.style(style).to_string()
    } else {
        text.to_owned()
    }
}

/// A line for a terminal.
pub(super) fn painted(line: &Line, color: bool) -> String {
    line.0
        .iter()
        .map(|span| paint(&span.text, span.tone, color))
        .collect()
}

fn render(blocks: &[Block], color: bool) -> String {
    let parts: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Fields(fields) => {
                let width = fields
                    .iter()
                    .map(|(label, ..)| label.len())
                    .max()
                    .unwrap_or_default()
                    + 1;
                // A field without a label goes on with the one above.
                let line = |(label, value, tone): &(&str, String, Tone)| {
                    let colon = if label.is_empty() { "" } else { ":" };
                    format!(
                        "{:<width$}  {}\n",
                        format!("{label}{colon}"),
                        paint(value, *tone, color)
                    )
                };
                fields.iter().map(line).collect()
            }
            Block::Table(table) => render_table(table),
        })
        .collect();
    parts.join("\n")
}

fn render_table(table: &Table) -> String {
    render_rows(&table.header, &table.rows)
}

fn render_rows(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if !header.is_empty() {
        drawn.set_header(header.to_vec());
    }
    drawn.add_rows(rows.to_vec());
    for column in drawn.column_iter_mut() {
        column.set_padding((0, 3));
    }
    let lines: Vec<String> = drawn.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, render};
    use crate::{
        cli::values::ColorChoice,
        view::{Block, Table, Tone},
    };

    #[test]
    fn colour_follows_the_order_of_precedence() {
        let around = |no_color, forced, dumb| Surroundings {
            no_color,
            forced,
            dumb,
        };
        let cases = [
            (around(false, false, false), ColorChoice::Auto, true, true),
            (around(false, false, false), ColorChoice::Auto, false, false),
            (around(true, true, false), ColorChoice::Auto, true, false),
            (around(false, true, true), ColorChoice::Auto, false, true),
            (around(false, false, true), ColorChoice::Auto, true, false),
            (around(true, false, false), ColorChoice::Always, false, true),
            (around(false, true, false), ColorChoice::Never, true, false),
        ];
        for (around, choice, terminal, expected) in cases {
            assert_eq!(
                around.color(choice, terminal),
                expected,
                "{around:?} {choice:?} {terminal}"
            );
        }
    }

    #[test]
    fn draws_in_kubectls_look() {
        let blocks = [
            Block::Fields(vec![
                ("State", "healthy".into(), Tone::Good),
                ("Next", "nobody".into(), Tone::Plain),
            ]),
            Block::Table(Table {
                header: vec!["NAME", "READY"],
                rows: vec![
                    vec!["a-long-name".into(), "1".into()],
                    vec!["b".into(), "2".into()],
                ],
            }),
        ];
        assert_eq!(
            render(&blocks, false),
            "State:  healthy\nNext:   nobody\n\nNAME          READY\na-long-name   1\nb             2\n"
        );
        assert!(render(&blocks, true).starts_with("State:  \u{1b}[32mhealthy\u{1b}["));
    }
}
