//! Tests on a real API server with real controllers and fake kubelets. They are ignored by default:
//! `cargo test --test it -- --ignored live_` builds the control plane on first use, starts it, and runs them.

pub(crate) mod audit;
mod causes;
pub(crate) mod command;
pub(crate) mod control_plane;
pub(crate) mod definitions;
pub(crate) mod engine_in_cluster;
pub(crate) mod holds;
pub(crate) mod models;
mod plan;
mod prometheus;
pub(crate) mod releases;
mod routes;
mod scripts;
mod traffic;
mod turns;
pub(crate) mod workload;
