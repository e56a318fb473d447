//! Scripts for Ingress classes and kinds of one's own: the contract of OpenKruise Rollouts (engine-traffic 3.3, 5.3), run in
//! a sandbox.
//!
//! A script is a pure function here too: its text and an input decide its answer. It sees no file, no network, no clock
//! and no random number, and it ends: by itself, or for want of fuel or memory.

mod contract;
mod custom;
mod ingress;
mod library;
mod merge;
mod sandbox;
mod value;

use std::fmt;

pub use library::{CONFIGURATION, Configuration, Folder, Lookup, NAMESPACE, Script, Scripts, key_of_path};

pub use custom::{is_left, restore as give_back};

pub(super) use custom::{is_written, restore, split};
pub(super) use ingress::{annotations, difference};

/// Why a script gave no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It is no Lua.
    Syntax(String),
    /// It raised an error, or did what Lua cannot.
    Raised(String),
    /// It did not end within its budget.
    Endless,
    /// It wanted more memory than there is for it, in MiB.
    Memory(usize),
    /// Its text has more than so many KiB.
    TooLong(usize),
    /// What it returned is not what the contract asks for.
    Answer(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(what) => write!(f, "cannot be read: {what}"),
            Self::Raised(what) => write!(f, "failed: {what}"),
            Self::Endless => f.write_str("did not end within its budget of instructions"),
            Self::Memory(limit) => write!(f, "wanted more than {limit} MiB of memory"),
            Self::TooLong(limit) => write!(f, "is longer than {limit} KiB"),
            Self::Answer(what) => write!(f, "returned {what}"),
        }
    }
}

#[cfg(test)]
mod tests;
