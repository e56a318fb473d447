//! The engine over sim in virtual time: whole releases, with everything that can go wrong.

mod chaos;
mod charge;
mod driver;
mod fuzz;
mod gates;
pub(crate) mod gateways;
mod invariants;
mod kill;
mod lanes;
mod pair;
mod promised;
mod rest;
mod routes;
mod scripts;
mod services;
mod shape;
mod trouble;
mod turn;
mod turned;
mod turns;
mod world;
