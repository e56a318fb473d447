//! An in-memory Kubernetes API server with model controllers, a fake kubelet and virtual time.
