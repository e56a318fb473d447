//! Pure knowledge of each workload kind: reads its state, makes its patches.

pub mod edit;
pub mod mark;

pub use mark::Mark;
