//! Completion in the shells themselves: names, steps and revisions come from the cluster, silently and in time.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;

use crate::harness::{
    served::{Folder, Life, Outcome, Served, program},
    shop::{Turn, after},
};

fn shop() -> Served {
    Served::with(after(&[Turn::Released("web:v2")]), Life::Still)
}

/// The folder of the executable, and where shells and kubectl are.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_kubectl-kruise"));
    format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        program.parent().unwrap().display()
    )
}

/// The shell, unless this machine does not have it; then that is said, and CI, which has all of them, finds what is wrong.
fn shell(name: &str) -> Option<PathBuf> {
    let found = ["/usr/local/bin", "/usr/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists());
    if found.is_none() {
        let must = std::env::var_os("CI_SHELLS").is_some() && name != "kubectl";
        assert!(!must, "{name} is not installed");
        eprintln!("SKIPPED: {name} is not installed, and its completion is not tried");
    }
    found
}

fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(name);
    path.display().to_string()
}

fn within(shop: &Served, shell: &Path, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", path())
        .env("HOME", shop.folder.file("home"))
        .env("TERM", "xterm")
        .env("XDG_CACHE_HOME", shop.folder.file("cache"))
        .env("KUBECONFIG", shop.folder.file("kubeconfig"));
    Outcome::of(command.output().unwrap())
}

#[test]
fn answers_what_the_cluster_knows() {
    let shop = shop();
    let asked = |words: &[&str]| {
        let mut command = program();
        command
            .arg("__complete")
            .args(words)
            .env("KUBECONFIG", shop.folder.file("kubeconfig"));
        let outcome = Outcome::of(command.output().unwrap());
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
        format!("{words:?}\n{}", outcome.stdout)
    };
    let all: String = [
        &["rollout", "approve", ""][..],
        &["rollout", "undo", "deploy/"],
        &["rollout", "approve", "web", "--to", ""],
        &["rollout", "rollback", "web", "--to-step="],
        &["rollout", "undo", "web", "--to-revision", ""],
        &["rollout", "history", "deploy/web", "--revision", ""],
        &["rollout", "set", "image", "web", ""],
        &["rollout", "set", "image", "deploy", "web", "m"],
        &["rollout", "status", "-n", ""],
        &["rollout", "status", "--context", ""],
        &["rollout", "status", "web", "-o", "jsonpath"],
        &["rollout", "apply", "-f", ""],
        &["rollout", "approve", "nobody", "--to", ""],
    ]
    .map(asked)
    .concat();
    assert_snapshot!(all, @r#"
    ["rollout", "approve", ""]
    web	waiting for approval: step 1/3
    :4
    ["rollout", "undo", "deploy/"]
    deploy/web	waiting for approval: step 1/3
    :4
    ["rollout", "approve", "web", "--to", ""]
    1	now; 1 pod, 20% traffic, by approval
    2	2 pods, 50% traffic, 10m
    3	100% pods, 100% traffic, by itself
    :4
    ["rollout", "rollback", "web", "--to-step="]
    --to-step=1	now; 1 pod, 20% traffic, by approval
    --to-step=2	2 pods, 50% traffic, 10m
    --to-step=3	100% pods, 100% traffic, by itself
    :4
    ["rollout", "undo", "web", "--to-revision", ""]
    1	web:v1 (stable)
    :4
    ["rollout", "history", "deploy/web", "--revision", ""]
    1	web:v1 (stable)
    :4
    ["rollout", "set", "image", "web", ""]
    main=	web:v2
    :6
    ["rollout", "set", "image", "deploy", "web", "m"]
    main=	web:v2
    :6
    ["rollout", "status", "-n", ""]
    default
    kube-system
    shop
    :4
    ["rollout", "status", "--context", ""]
    sim	sim
    :4
    ["rollout", "status", "web", "-o", "jsonpath"]
    jsonpath=	kubectl's template, such as {.metadata.name}
    jsonpath-file=	the same from a file
    jsonpath-as-json=	what its paths find, as JSON
    :6
    ["rollout", "apply", "-f", ""]
    :0
    ["rollout", "approve", "nobody", "--to", ""]
    :4
    "#);
}

/// An error would end up in the user's command line.
#[test]
fn is_silent_and_quick_when_something_is_wrong() {
    let folder = Folder::new();
    for config in ["nowhere", "garbage"] {
        std::fs::write(folder.file("garbage"), "a: [\n").unwrap();
        let mut command = program();
        command
            .args(["__complete", "rollout", "approve", ""])
            .env("KUBECONFIG", folder.file(config));
        let outcome = Outcome::of(command.output().unwrap());
        assert_eq!(
            (outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()),
            (Some(0), ":4\n", ""),
            "{config}"
        );
    }
}

#[test]
fn in_bash() {
    let (shop, Some(bash)) = (shop(), shell("bash")) else {
        return;
    };
    let source = script("kubectl-kruise.bash");
    let complete = |line: &str, kind: &str| {
        let code = format!(
            "source {source}; COMP_LINE='{line}'; COMP_POINT={}; COMP_TYPE={kind}; _kubectl_kruise; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            line.len()
        );
        let said = within(&shop, &bash, &["--norc", "-c", &code]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{line}");
        format!("{line}\n  {}\n", said.stdout.trim_end().replace('\n', "\n  "))
    };
    let all = [
        complete("kubectl-kruise rollout appr", "9"),
        complete("kubectl-kruise rollout approve ", "9"),
        complete("kubectl-kruise rollout approve rollout/w", "9"),
        complete("kubectl-kruise rollout approve web --to ", "9"),
        complete("kubectl-kruise rollout approve web --to ", "63"),
        complete("kubectl-kruise rollout rollback web --to-step=1", "9"),
        complete("kubectl-kruise rollout status web -o js", "9"),
        complete("kubectl-kruise rollout apply -f ", "9"),
    ]
    .concat();
    assert_snapshot!(all, @"
    kubectl-kruise rollout appr
      approve
    kubectl-kruise rollout approve 
      web
    kubectl-kruise rollout approve rollout/w
      rollout/web
    kubectl-kruise rollout approve web --to 
      1
      2
      3
    kubectl-kruise rollout approve web --to 
      1  (now; 1 pod, 20% traffic, by approval)
      2  (2 pods, 50% traffic, 10m)
      3  (100% pods, 100% traffic, by itself)
    kubectl-kruise rollout rollback web --to-step=1
      1
    kubectl-kruise rollout status web -o js
      json
      jsonpath=
      jsonpath-file=
      jsonpath-as-json=
    kubectl-kruise rollout apply -f
    ");
}

#[test]
fn in_fish() {
    let (shop, Some(fish)) = (shop(), shell("fish")) else {
        return;
    };
    let source = script("kubectl-kruise.fish");
    let complete = |line: &str| {
        let code = format!("source {source}; complete -C '{line}'");
        let said = within(&shop, &fish, &["--no-config", "-c", &code]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{line}");
        format!("{line}\n  {}\n", said.stdout.trim_end().replace('\n', "\n  "))
    };
    let all = [
        complete("kubectl-kruise rollout appr"),
        complete("kubectl-kruise rollout approve "),
        complete("kubectl-kruise rollout approve rollout/w"),
        complete("kubectl-kruise rollout approve web --to "),
        complete("kubectl-kruise rollout undo web --to-revision "),
        complete("kubectl-kruise rollout status web -o js"),
    ]
    .concat();
    assert_snapshot!(all, @"
    kubectl-kruise rollout appr
      approve	Let a paused step go on
    kubectl-kruise rollout approve 
      web	waiting for approval: step 1/3
    kubectl-kruise rollout approve rollout/w
      rollout/web	waiting for approval: step 1/3
    kubectl-kruise rollout approve web --to 
      1	now; 1 pod, 20% traffic, by approval
      2	2 pods, 50% traffic, 10m
      3	100% pods, 100% traffic, by itself
    kubectl-kruise rollout undo web --to-revision 
      1	web:v1 (stable)
    kubectl-kruise rollout status web -o js
      json	one JSON document, a List for several
      jsonpath=	kubectl's template, such as {.metadata.name}
      jsonpath-file=	the same from a file
      jsonpath-as-json=	what its paths find, as JSON
    ");
}

/// In an interactive zsh behind a pseudo-terminal: what TAB puts into the line.
#[test]
fn in_zsh() {
    let (shop, Some(zsh)) = (shop(), shell("zsh")) else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let driver = shop.folder.file("driver.zsh");
    let text = r#"
zmodload zsh/zpty
completed() {
    local line= chunk
    zpty inner zsh -f -i
    zpty -w inner "PROMPT=; unsetopt zle_bracketed_paste; fpath=(FOLDER \$fpath); autoload -U compinit; compinit -u -D; zstyle ':completion:*' menu no; bindkey '^I' complete-word"
    zpty -w inner "print-line() { print -r -- \"<<\$BUFFER>>\"; BUFFER=; zle accept-line }; zle -N print-line; bindkey '^X' print-line; print READY-\$((1+1))"
    zpty -r -m inner chunk '*READY-2*' || return 1
    zpty -w -n inner "$1"$'\t'
    zpty -w -n inner $'\x18'
    zpty -r -m inner chunk '*\<\<*\>\>*' || return 1
    line=${chunk##*<<}
    print -r -- "${line%%>>*}|"
    zpty -d inner
}
for line in "$@"; do completed "$line"; done
"#;
    std::fs::write(&driver, text.replace("FOLDER", &folder.display().to_string())).unwrap();
    let lines = [
        "kubectl-kruise rollout appr",
        "kubectl-kruise rollout approve w",
        "kubectl-kruise rollout approve rollout/w",
        "kubectl-kruise rollout undo web --to-rev",
        "kubectl-kruise rollout status -n sh",
        "kubectl-kruise rollout status web -o jsonpath-f",
    ];
    let arguments: Vec<&str> = ["-f", driver.to_str().unwrap()]
        .into_iter()
        .chain(lines)
        .collect();
    let said = within(&shop, &zsh, &arguments);
    assert_snapshot!(said, @r"
    exit 0
    --- stdout
    kubectl-kruise rollout approve |
    kubectl-kruise rollout approve web |
    kubectl-kruise rollout approve rollout/web |
    kubectl-kruise rollout undo web --to-revision |
    kubectl-kruise rollout status -n shop |
    kubectl-kruise rollout status web -o jsonpath-file=|
    ");
}

/// Through kubectl: the script that krew cannot link, in front of the program.
#[test]
fn through_kubectl() {
    let (shop, Some(kubectl)) = (shop(), shell("kubectl")) else {
        return;
    };
    let folder = Folder::new();
    let copy = folder.file("kubectl_complete-kruise");
    std::fs::copy(script("kubectl_complete-kruise"), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let with = format!("{}:{}", copy.parent().unwrap().display(), path());
    let mut command = Command::new(kubectl);
    command
        .args(["__complete", "kruise", "rollout", "approve", ""])
        .env_clear()
        .env("PATH", with)
        .env("HOME", shop.folder.file("home"))
        .env("KUBECONFIG", shop.folder.file("kubeconfig"));
    let said = Outcome::of(command.output().unwrap());
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines, ["web\twaiting for approval: step 1/3", ":4"], "{said}");
}
