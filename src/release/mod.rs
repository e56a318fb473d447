//! What clients read out of a Rollout's status, and what they may do to a release under way. Pure.

pub mod approval;
pub mod attendance;
pub mod cause;
pub mod command;
pub mod history;
pub mod jump;
pub mod overtaken;
pub mod own_pause;
pub mod pods;
pub mod position;
pub mod progress;
pub mod proof;
pub mod traffic;
pub mod verdict;

pub use approval::{Approval, Guard, Refusal};
pub use cause::{Cause, Finding, Scene, Sight};
pub use history::{Entry, History, Part};
pub use jump::Jump;
pub use pods::{Pods, Revision, Role};
pub use position::Position;
pub use traffic::Traffic;
pub use verdict::{Actor, Verdict};
