//! Commands that are proposed to the user, ready to be typed.

pub use crate::release::command::Command;
