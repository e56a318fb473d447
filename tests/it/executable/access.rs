//! Which server, and as whom: what the command line and the kubeconfig say, and nothing else.

use serde_json::{Value, json};

use crate::harness::{
    served::{Life, Outcome, Served, kubeconfig, program},
    shop::{Turn, after},
};

fn run(shop: &Served, config: Option<&str>, words: &[&str]) -> Outcome {
    let mut command = program();
    command
        .arg("rollout")
        .args(words)
        .env("HOME", shop.folder.file("home"));
    if let Some(config) = config {
        command.env("KUBECONFIG", config);
    }
    Outcome::of(command.output().unwrap())
}

/// The address of the simulated cluster.
fn address(shop: &Served) -> String {
    let config: Value =
        serde_json::from_str(&std::fs::read_to_string(shop.folder.file("kubeconfig")).unwrap()).unwrap();
    config["clusters"][0]["cluster"]["server"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn an_address_hides_no_mistake() {
    let shop = Served::with(after(&[Turn::Released("web:v2")]), Life::Still);
    let url = address(&shop);
    let path = |name: &str| shop.folder.file(name).display().to_string();
    let config = path("kubeconfig");
    std::fs::write(shop.folder.file("garbage"), "a: [\n").unwrap();
    std::fs::write(shop.folder.file("empty"), "").unwrap();
    let mut without_context = kubeconfig("http://127.0.0.1:1", "shop");
    without_context["current-context"] = Value::Null;
    without_context["users"] = json!([{ "name": "me", "user": { "token": "t" } }]);
    std::fs::write(shop.folder.file("bare"), without_context.to_string()).unwrap();
    let (garbage, missing, empty, bare) = (path("garbage"), path("missing"), path("empty"), path("bare"));
    let status = ["status", "web", "-n", "shop"];
    let told = |code: i32, message: &str| (Some(code), message.to_owned());
    let server = ["-s", url.as_str()];
    for (config, more, expected) in [
        // What a wrong name hides is told with and without an address.
        (
            Some(&config),
            &["--user", "nope"][..],
            told(1, "the kubeconfig has no user \"nope\""),
        ),
        (
            Some(&config),
            &["--context", "nope"],
            told(1, "the kubeconfig has no context \"nope\""),
        ),
        (
            Some(&config),
            &["--cluster", "nope"],
            told(1, "the kubeconfig has no cluster \"nope\""),
        ),
        (
            Some(&garbage),
            &[],
            told(1, &format!("the kubeconfig {garbage} is not valid: ")),
        ),
        (
            None,
            &["--kubeconfig", &missing],
            told(1, &format!("cannot read kubeconfig {missing}: No such file")),
        ),
        (
            None,
            &["--kubeconfig", &garbage],
            told(1, &format!("the kubeconfig {garbage} is not valid: ")),
        ),
        (None, &["--user", "me"], told(1, "cannot read kubeconfig ")),
    ] {
        for server in [&[][..], &server] {
            let words = [&status, more, server].concat();
            let said = run(&shop, config.map(String::as_str), &words);
            let first = said.stderr.lines().next().unwrap_or_default().to_owned();
            assert_eq!(said.code, expected.0, "{words:?} {said}");
            assert!(
                first.starts_with(&format!("error: {}", expected.1)),
                "{words:?} {said}"
            );
            assert_eq!(said.stderr.matches("error: ").count(), 1, "{words:?} {said}");
        }
    }
    // Without a kubeconfig, an empty one, or one without a context, the address is enough.
    for (config, more) in [
        (None, &[][..]),
        (Some(&empty), &[]),
        (Some(&bare), &["--user", "me"]),
        (Some(&config), &["--user", "sim"]),
        (Some(&format!("{missing}:{config}")), &["--context", "sim"]),
    ] {
        let words = [&status, more, &server].concat();
        let said = run(&shop, config.map(String::as_str), &words);
        assert_eq!(said.code, Some(4), "{words:?} {said}");
    }
    // Of a list the files that are not there are passed over, and the one that is garbage is named.
    let said = run(&shop, Some(&format!("{missing}:{config}")), &status);
    assert_eq!(said.code, Some(4), "{said}");
    let said = run(&shop, Some(&format!("{config}:{garbage}")), &status);
    assert!(
        said.stderr
            .starts_with(&format!("error: the kubeconfig {garbage} is not valid: ")),
        "{said}"
    );
}
