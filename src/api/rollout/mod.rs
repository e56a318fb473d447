//! The Rollout kind, one file per served version.

pub mod v1beta1;
