//! `kubectl kruise rollout`: progressive delivery with OpenKruise Rollouts, with or without its controller.
//!
//! ARCHITECTURE.md shows the layers; a layer uses only what stands below it.

pub mod analysis;
pub mod api;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod commands;
pub mod demo;
pub mod engine;
pub mod error;
pub mod exit_code;
pub mod lint;
pub mod manifests;
pub mod plan;
pub mod release;
pub mod sim;
pub mod traffic;
pub mod ui;
pub mod view;
pub mod workload;
