//! Prints the figures that the budgets of the design are about.
fn main() {}
