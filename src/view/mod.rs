//! Pure view models: what is shown, as rows, lines and documents. Nothing here prints.

pub mod block;
pub mod board;
pub mod change;
pub mod columns;
pub mod explain;
pub mod format;
pub mod frame;
pub mod gate;
pub mod history;
pub mod jsonpath;
pub mod line;
pub mod schema;
pub mod status;
pub mod suggest;
pub mod template;
pub mod until;
pub mod workload;

pub use block::{Block, Table, Tone};
pub use explain::Explanation;
pub use format::Format;
pub use frame::{Foot, Size};
pub use line::{Line, Span};
pub use status::Status;
pub use until::{Until, Wait};
