//! Faults on demand: what a network and a killed process can do to a request.

use http::StatusCode;

/// A request as a fault hook sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRequest {
    /// HTTP method.
    pub verb: String,
    /// Path without its query.
    pub path: String,
    /// Requests seen before this one, reads included.
    pub index: u64,
    /// Whether the request may change something: not GET, nor an access review.
    pub mutating: bool,
    /// The explicit field manager; empty when there is none.
    pub field_manager: String,
    /// The user agent; empty when there is none.
    pub user_agent: String,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The server refuses with this code and reason; nothing is done.
    Status(StatusCode, String),
    /// The request is carried out, the client is told 504.
    TimeoutAfterWrite,
    /// The connection breaks before the request is carried out.
    DropBefore,
    /// The connection breaks after the request was carried out.
    DropAfter,
    /// Every open watch ends; the request itself is carried out.
    CloseWatches,
}

/// Decides about each request whether, and how, it fails.
pub(super) type Hook = Box<dyn FnMut(&FaultRequest) -> Option<Fault> + Send>;
