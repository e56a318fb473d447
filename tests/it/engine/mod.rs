//! The engine over sim in virtual time: whole releases, with everything that can go wrong.

mod chaos;
mod driver;
mod fuzz;
mod gates;
mod invariants;
mod kill;
mod lanes;
mod pair;
mod rest;
mod routes;
mod shape;
mod trouble;
mod turn;
mod turned;
mod turns;
mod world;
