//! `status`: every state it can tell, its other forms, its waits and its cost.

use insta::assert_snapshot;

use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

#[test]
fn tells_that_nothing_is_under_way() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["status", "web"]), @"");
}
