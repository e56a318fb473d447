//! `schema`: what programs may rely on in the documents of `status`, `history`, `plan` and `lint`.

use crate::{
    cli::args::{Document, SchemaArgs},
    error::Result,
    exit_code,
    ui::Ui,
    view::schema,
};

/// Runs the command.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(ui: &Ui, args: &SchemaArgs) -> Result<u8> {
    let schema = match args.document {
        Document::Status => schema::status(),
        Document::Workload => schema::workload(),
        Document::Explain => schema::explanation(),
        Document::History => schema::history(),
        Document::Plan => schema::plan(),
        Document::Lint => schema::lint(),
    };
    ui.line(&format!("{:#}", schema.to_value()))?;
    Ok(exit_code::DONE)
}
