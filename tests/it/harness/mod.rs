//! What several tests stand on.

pub(crate) mod cluster;
pub(crate) mod dice;
pub(crate) mod meter;
pub(crate) mod served;
pub(crate) mod shop;
