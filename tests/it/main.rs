//! The one integration binary. Every file of this folder is a module of it.

#[cfg(test)]
mod crd_answers;
