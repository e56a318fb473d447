//! The executable against a simulated cluster on loopback: what it prints, how it ends, and what it asked for.

mod status;
