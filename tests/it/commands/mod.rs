//! The executable against a simulated API server on loopback: stdout, stderr, exit code, and every request it sends.

mod approve;
mod change;
mod drive;
mod fixture;
mod output;
mod status;
mod versions;
