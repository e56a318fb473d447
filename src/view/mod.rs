//! Pure view models: what is shown, as rows, lines and documents. Nothing here prints.

pub mod block;
pub mod change;
pub mod columns;
pub mod format;
pub mod gate;
pub mod history;
pub mod jsonpath;
pub mod schema;
pub mod status;
pub mod suggest;
pub mod until;

pub use block::{Block, Table, Tone};
pub use format::Format;
pub use status::Status;
pub use until::{Until, Wait};
