//! The Rollout kind, one file per version, and the way from one version to the other.

pub mod convert;
pub mod immutable;
pub mod v1alpha1;
pub mod v1beta1;
