//! The one integration binary. Every file of this folder is a module of it.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod crd_answers;
#[cfg(test)]
mod defects;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod executable;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod guides;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod krew;
#[cfg(test)]
mod layering;
#[cfg(test)]
mod live;
#[cfg(test)]
mod no_forgotten_files;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod promise;
