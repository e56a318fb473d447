//! `completion`: prints a script for a shell.

use clap_complete::Shell;

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

/// The script of a shell, for the executable `kubectl-kruise`. Where the shell lets it, it asks the program itself, which
/// knows the names that the cluster knows.
#[must_use]
pub fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => include_str!("../../completions/kubectl-kruise.bash").to_owned(),
        Shell::Zsh => include_str!("../../completions/_kubectl-kruise").to_owned(),
        Shell::Fish => include_str!("../../completions/kubectl-kruise.fish").to_owned(),
        Shell::PowerShell => include_str!("../../completions/kubectl-kruise.ps1").to_owned(),
        shell => fixed(shell),
    }
}

/// A script that knows the words of the command line only.
fn fixed(shell: Shell) -> String {
    let mut command = cli::command().bin_name("kubectl-kruise");
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "kubectl-kruise", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
