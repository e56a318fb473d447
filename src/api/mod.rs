//! Wire types: what stands in the API server, to the field. No I/O and no policy.

pub mod analysis_template;
pub mod apply;
pub mod int_or_percent;
pub mod keys;
pub mod open_enum;
pub mod patch;
pub mod quantity;
pub mod rollout;
pub mod schema;
pub mod time;
pub mod traffic_routing;

pub use int_or_percent::IntOrPercent;
pub use rollout::v1beta1;
pub use time::Time;
