//! Exit codes of the command line. They are stable: scripts and pipelines branch on them.

/// Done, or nothing is wrong and nobody is needed.
pub const DONE: u8 = 0;
/// An error of no other class.
pub const ERROR: u8 = 1;
/// `plan --detailed-exitcode` found changes.
pub const PLAN_CHANGES: u8 = 2;
/// The plan cannot be carried out.
pub const PLAN_BLOCKED: u8 = 3;
/// The release waits for an approval, or is paused by a human.
pub const WAITING: u8 = 4;
/// The release is degraded or has failed.
pub const DEGRADED: u8 = 5;
/// The release was rolled back, cancelled or superseded.
pub const ROLLED_BACK: u8 = 6;
/// Something that was named does not exist.
pub const NOT_FOUND: u8 = 7;
/// The object has changed meanwhile, its state does not allow this, or another engine is in charge.
pub const CONFLICT: u8 = 8;
/// The API server refuses: no permission, or no valid credentials.
pub const FORBIDDEN: u8 = 9;
/// The API server cannot be reached.
pub const UNREACHABLE: u8 = 10;
/// The command line is wrong (`EX_USAGE`).
pub const USAGE: u8 = 64;
/// `--timeout` has passed (as `timeout(1)`).
pub const TIMEOUT: u8 = 124;
/// Interrupted from the keyboard (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
