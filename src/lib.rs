//! `kubectl kruise rollout`: progressive delivery with OpenKruise Rollouts, with or without its controller.
//!
//! ARCHITECTURE.md shows the layers; a layer uses only what stands below it.

pub mod api;
pub mod clock;
pub mod engine;
pub mod manifests;
pub mod sim;
pub mod traffic;
pub mod workload;
