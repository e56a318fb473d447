//! The engine over sim in virtual time: whole releases, with everything that can go wrong.

mod chaos;
mod driver;
mod invariants;
mod kill;
mod pair;
mod turns;
mod world;
