//! The `kubectl-kruise` executable.
fn main() {}
