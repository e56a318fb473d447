//! The executable against a simulated cluster on loopback: what it prints, how it ends, and what it asked for.

mod apply;
mod approve;
mod controller;
mod deadline;
mod demo;
mod explain;
mod gate;
mod kinds;
mod lint;
mod manifests;
mod peer;
mod plan;
mod program;
mod readme;
mod refusal;
mod rehearse;
mod rollback;
mod routing;
mod run;
mod schema;
mod set;
mod status;
mod targets;
mod terminal;
mod verbs;
mod watch;
