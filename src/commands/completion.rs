//! `completion`: prints a script for a shell.

use crate::{
    cli::{self, args::CompletionArgs},
    error::Result,
    exit_code,
    ui::Ui,
};

/// Runs the command.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(ui: &Ui, args: &CompletionArgs) -> Result<u8> {
    ui.text(&script(args.shell))?;
    Ok(exit_code::DONE)
}

/// The script of a shell, for the executable `kubectl-kruise`.
#[must_use]
pub fn script(shell: clap_complete::Shell) -> String {
    let mut command = cli::command().bin_name("kubectl-kruise");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "kubectl-kruise", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
