//! The `kubectl-kruise` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    kubectl_kruise::commands::main(std::env::args_os())
}
