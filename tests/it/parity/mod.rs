//! Recorded releases (`tests/parity/golden`), played against our engine and compared checkpoint by checkpoint.

pub(crate) mod compare;
pub(crate) mod observe;
pub(crate) mod player;
pub(crate) mod scenario;
pub(crate) mod simulated;
