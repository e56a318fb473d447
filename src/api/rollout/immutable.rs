//! What may not be changed in the middle of a release, in the words of upstream's webhook (engine-rollout 3.1).

/// Upstream's words for an edit of the workload's name in the middle of a release.
pub const REF: &str = "Rollout 'ObjectRef' field is immutable";
/// Upstream's words for another style in the middle of a release.
pub const STYLE: &str = "Rollout style and enableExtraWorkloadForCanary are immutable";
/// Upstream's words for another traffic routing in the middle of a canary release.
pub const CANARY_ROUTINGS: &str = "Rollout 'Strategy.Canary.TrafficRoutings' field is immutable";
/// Upstream's words for another traffic routing in the middle of a blue-green release.
pub const BLUE_GREEN_ROUTINGS: &str = "Rollout 'Strategy.BlueGreen.TrafficRoutings' field is immutable";
