//! `watch` where stdout is not a terminal: one line per change.

use insta::assert_snapshot;

use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

#[test]
fn at_rest_it_ends_at_once() {
    let shop = Served::with(after(&[]), Life::Still);
    assert_snapshot!(shop.kruise(&["watch", "web"]), @"");
    assert_snapshot!(shop.kruise(&["watch", "nobody"]), @"");
    assert_eq!(shop.sim.trace(), []);
}

#[test]
fn tells_every_change_once_and_ends_with_the_release() {
    let shop = Served::with(
        after(&[Turn::Released("web:v2"), Turn::Approved, Turn::Waited(600)]),
        Life::Alive,
    );
    let watching = shop.spawn(&["watch", "web", "--timeout", "60s"]);
    let approved = shop.kruise(&["approve", "web", "--standalone"]);
    assert_eq!(approved.code, Some(0), "{approved}");
    let watched = watching.outcome();
    assert_eq!(
        (watched.code, watched.stderr.as_str()),
        (Some(0), ""),
        "{watched}"
    );
    let text = watched.to_string();
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert!(
        lines.iter().all(|line| line.starts_with("TIME  shop/web  ")),
        "{text}"
    );
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{text}");
    assert_snapshot!(lines.last().unwrap(), @"");
}

#[test]
fn gives_up_in_time() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    assert_snapshot!(shop.kruise(&["watch", "web", "--timeout", "300ms"]), @"");
}
