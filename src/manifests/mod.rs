//! What a cluster may be given: definitions of our kinds, the hold policies, rights, and the engine as a Deployment.
//!
//! Everything is data; `rollout manifests` prints it, tests apply it.

mod cel;
pub mod crds;
pub mod engine;
pub mod policy;
pub mod rbac;
pub mod yaml;

pub use crds::crds;
pub use engine::engine;
pub use policy::policy;
pub use rbac::rbac;
pub use yaml::to_yaml;
