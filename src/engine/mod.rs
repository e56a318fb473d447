//! The rollout engine: a pure core that decides, and a driver that reads, applies and waits.

pub mod core;
pub mod driver;
