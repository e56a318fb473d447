//! The pieces a view consists of.

/// What a piece of text means; colour follows it and never carries meaning alone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// What a view is about.
    Strong,
    /// All is well.
    Good,
    /// Somebody is waited for.
    Wait,
    /// Something is wrong.
    Bad,
    /// Background.
    Faint,
}

/// Rows under headings, in kubectl's look.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Table {
    /// The headings.
    pub header: Vec<&'static str>,
    /// The rows; as many cells as headings.
    pub rows: Vec<Vec<String>>,
}

/// A piece.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Block {
    /// `Label:  value` lines, values in line.
    Fields(Vec<(&'static str, String, Tone)>),
    /// A table, after an empty line.
    Table(Table),
}
