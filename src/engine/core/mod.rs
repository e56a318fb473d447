//! The pure part of the engine: what is there and the time in, what to write and how long to wait out.

pub mod effect;

pub use effect::{Effect, Precondition, Target, Verb};
