//! Each documented exit code, by a command that ends with it.

use std::collections::BTreeSet;

use http::StatusCode;
use kubectl_kruise::{exit_code, sim::Fault};

use crate::harness::{
    served::{Life, Served},
    shop::{Turn, after},
};

#[test]
fn each_is_returned() {
    let released = || Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let at_rest = || Served::with(after(&[]), Life::Still);
    let stuck = || {
        Served::with(
            after(&[Turn::Released("web:v2-crash"), Turn::Waited(700)]),
            Life::Still,
        )
    };
    let gone_back = || {
        let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Alive);
        assert_eq!(
            shop.kruise(&["rollback", "web", "--yes", "--standalone"]).code,
            Some(0)
        );
        shop
    };
    let forbidden = || {
        let shop = released();
        shop.sim
            .inject(|_| Some(Fault::Status(StatusCode::FORBIDDEN, "Forbidden".to_owned())));
        shop
    };
    let nowhere = || {
        let shop = released();
        let config = crate::harness::served::kubeconfig("http://127.0.0.1:9", "shop");
        std::fs::write(shop.folder.file("kubeconfig"), config.to_string()).unwrap();
        shop
    };
    let blocked = || {
        let mut objects = after(&[]);
        objects.retain(|object| object["kind"] != "Ingress");
        Served::with(objects, Life::Still)
    };
    type Case<'a> = (u8, &'a dyn Fn() -> Served, &'a [&'a str]);
    let cases: [Case<'_>; 15] = [
        (exit_code::DONE, &at_rest, &["status", "web"]),
        (exit_code::ERROR, &at_rest, &["status", "web", "--user", "nobody"]),
        (
            exit_code::PLAN_CHANGES,
            &at_rest,
            &["plan", "web", "--set-image", "main=web:v2", "--detailed-exitcode"],
        ),
        (
            exit_code::PLAN_BLOCKED,
            &blocked,
            &["plan", "web", "--set-image", "main=web:v2"],
        ),
        (exit_code::WAITING, &released, &["status", "web"]),
        (exit_code::DEGRADED, &stuck, &["status", "web"]),
        (exit_code::ROLLED_BACK, &gone_back, &["status", "web"]),
        (exit_code::NOT_FOUND, &at_rest, &["status", "nope"]),
        (exit_code::CONFLICT, &released, &["approve", "web", "--step", "2"]),
        (exit_code::FORBIDDEN, &forbidden, &["status", "web"]),
        (exit_code::UNREACHABLE, &nowhere, &["status", "web"]),
        (exit_code::USAGE, &at_rest, &["status"]),
        (
            exit_code::TIMEOUT,
            &released,
            &["status", "web", "--until", "healthy", "--timeout", "100ms"],
        ),
        (
            exit_code::DONE,
            &released,
            &["status", "web", "--until", "paused"],
        ),
        (exit_code::DONE, &released, &["approve", "web", "--no-wait"]),
    ];
    let mut seen = BTreeSet::new();
    for (code, shop, words) in cases {
        let said = shop().kruise(words);
        assert_eq!(said.code, Some(i32::from(code)), "{words:?} {said}");
        seen.insert(code);
    }
    // 130 is shown by the terminal's tests, where there is somebody to interrupt.
    let all = BTreeSet::from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 64, 124]);
    assert_eq!(seen, all);
}
