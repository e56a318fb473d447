//! The layers of ARCHITECTURE.md, read from the imports: a layer uses only what stands below it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A layer, named by its path under `src/`, and what of this package it may name.
struct Layer {
    path: &'static str,
    may_use: &'static [&'static str],
    /// No I/O, no time, no concurrency.
    pure: bool,
}

const fn layer(path: &'static str, pure: bool, may_use: &'static [&'static str]) -> Layer {
    Layer { path, may_use, pure }
}

/// Longest path first where one contains another. A layer not listed here fails the test: decide where it belongs.
const LAYERS: &[Layer] = &[
    layer("api", true, &["api"]),
    layer("clock.rs", false, &[]),
    layer("error.rs", false, &["exit_code", "error"]),
    layer("exit_code.rs", true, &[]),
    layer("workload", true, &["api", "workload"]),
    layer("traffic", true, &["api", "traffic"]),
    layer("analysis", true, &["api", "analysis"]),
    layer("manifests", true, &["api", "workload", "traffic", "manifests"]),
    layer(
        "engine/core",
        true,
        &["api", "workload", "traffic", "analysis", "engine::core"],
    ),
    layer(
        "release",
        true,
        &[
            "api",
            "workload",
            "traffic",
            "analysis",
            "engine::core",
            "release",
            "exit_code",
        ],
    ),
    layer(
        "cluster",
        false,
        &[
            "api",
            "workload",
            "traffic",
            "engine::core",
            "engine::driver",
            "clock",
            "cluster",
            "error",
            "exit_code",
            "release",
        ],
    ),
    layer(
        "engine/driver",
        false,
        &[
            "api",
            "workload",
            "traffic",
            "engine::core",
            "engine::driver",
            "analysis",
            "clock",
        ],
    ),
    layer("engine/mod.rs", true, &[]),
    layer(
        "lint",
        true,
        &[
            "api",
            "workload",
            "traffic",
            "analysis",
            "engine::core",
            "manifests",
            "lint",
        ],
    ),
    layer("sim", false, &["api", "workload", "clock", "sim"]),
    layer(
        "plan",
        false,
        &[
            "analysis",
            "api",
            "workload",
            "traffic",
            "engine",
            "clock",
            "cluster",
            "sim",
            "plan",
            "release",
            "error",
            "exit_code",
            "manifests",
        ],
    ),
    layer(
        "demo",
        false,
        &[
            "analysis",
            "api",
            "workload",
            "traffic",
            "engine",
            "clock",
            "cluster",
            "sim",
            "manifests",
            "release",
            "demo",
        ],
    ),
    layer(
        "view",
        true,
        &[
            "analysis",
            "api",
            "workload",
            "traffic",
            "engine::core",
            "release",
            "view",
            "plan",
            "exit_code",
        ],
    ),
    layer(
        "ui",
        false,
        &["api", "view", "ui", "clock", "exit_code", "error", "cli::values"],
    ),
    layer(
        "commands",
        false,
        &[
            "analysis",
            "demo",
            "lint",
            "api",
            "workload",
            "traffic",
            "engine",
            "clock",
            "cluster",
            "sim",
            "plan",
            "view",
            "ui",
            "commands",
            "cli",
            "manifests",
            "error",
            "exit_code",
            "release",
        ],
    ),
    layer(
        "cli",
        false,
        &[
            "demo",
            "api",
            "workload",
            "traffic",
            "clock",
            "cluster",
            "plan",
            "view",
            "ui",
            "commands",
            "cli",
            "manifests",
            "error",
            "exit_code",
            "engine",
        ],
    ),
    layer("lib.rs", false, &[]),
    layer("main.rs", false, &["cli", "commands", "exit_code"]),
];

/// What reads the world, which a pure layer must not.
const IMPURE: &[&str] = &[
    "tokio::",
    "kube::Client",
    "kube::client",
    "kube::runtime",
    "std::fs",
    "std::net",
    "std::thread",
];

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// The code of a file without comments and without its unit tests, spaces removed.
fn code(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.trim() == "#[cfg(test)]" && line.starts_with('#') {
            break;
        }
        if !line.trim_start().starts_with("//") {
            out.extend(line.chars().filter(|it| !it.is_whitespace()));
        }
    }
    out
}

/// Every path of this package that a file names (`crate::a::b`), braces opened one level deep.
fn names(code: &str, package: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in code.match_indices(package) {
        let rest = &code[at + package.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut start = 0;
            for (index, it) in group.char_indices() {
                match it {
                    '{' => depth += 1,
                    '}' if depth > 0 => depth -= 1,
                    ',' | '}' if depth == 0 => {
                        out.push(group[start..index].to_owned());
                        start = index + 1;
                    }
                    _ => {}
                }
                if it == '}' && depth == 0 && start == index + 1 {
                    break;
                }
            }
        } else {
            let end = rest
                .find(|it: char| !it.is_alphanumeric() && it != '_' && it != ':')
                .unwrap_or(rest.len());
            out.push(rest[..end].to_owned());
        }
    }
    out.retain(|name| !name.is_empty());
    out
}

fn allowed(name: &str, layer: &Layer) -> bool {
    layer.may_use.iter().any(|may| {
        name == *may
            || name
                .strip_prefix(may)
                .is_some_and(|rest| rest.starts_with("::") || rest.starts_with('{'))
    })
}

fn violations(path: &str, text: &str) -> Vec<String> {
    let Some(layer) = LAYERS
        .iter()
        .find(|layer| path == layer.path || path.starts_with(&format!("{}/", layer.path)))
    else {
        return vec![format!("{path}: no layer is known for this file")];
    };
    let code = code(text);
    // Macro bodies name the package through `$crate`, which is the same place.
    let uses = if path == "main.rs" {
        names(&code, "kubectl_kruise::")
    } else {
        names(&code, "crate::")
    };
    let mut out: Vec<_> = uses
        .iter()
        .filter(|name| path != "lib.rs" && !allowed(name, layer))
        .map(|name| format!("{path}: names crate::{name}"))
        .collect();
    if layer.pure {
        out.extend(
            IMPURE
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| format!("{path}: is pure and names {word}")),
        );
    }
    out
}

#[test]
fn layers_use_only_what_stands_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    files.sort();
    let found: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            violations(&path, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_wrong_import_is_seen() {
    let table: [(&str, &str, &[&str]); 7] = [
        (
            "engine/core/a.rs",
            "use crate::{api::keys, clock::Clock};",
            &["engine/core/a.rs: names crate::clock::Clock"],
        ),
        (
            "engine/core/a.rs",
            "use tokio::sync::mpsc;",
            &["engine/core/a.rs: is pure and names tokio::"],
        ),
        ("engine/core/a.rs", "// crate::clock\nuse crate::api::keys;", &[]),
        (
            "engine/core/a.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests { use crate::sim; }",
            &[],
        ),
        (
            "sim/store.rs",
            "use crate::engine::core;",
            &["sim/store.rs: names crate::engine::core"],
        ),
        (
            "api/x.rs",
            "let a = crate::workload::b();",
            &["api/x.rs: names crate::workload::b"],
        ),
        (
            "surprise/x.rs",
            "",
            &["surprise/x.rs: no layer is known for this file"],
        ),
    ];
    for (path, text, expected) in table {
        assert_eq!(violations(path, text), expected, "{text}");
    }
}
