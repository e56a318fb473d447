//! Real requests through real gateways to real servers, while releases happen.
//!
//! nginx, and HAProxy for routes of Gateway API, stand where an ingress controller's proxy would, and are told what to do by
//! [`gateway`], from the objects in the API server. The pods of a node of the test's own are HTTP servers, started and
//! stopped by [`kubelet`]. Nothing leaves loopback: a pod that Kubernetes knows as 10.x.y.z listens at 127.x.y.z, because
//! the API server refuses loopback addresses for endpoints. Neither program needs a user's or a network's rights.

mod diary;
mod gateway;
mod haproxy;
mod kubelet;
mod load;
mod nginx;
mod pod;
mod releases;
mod stage;
mod table;
