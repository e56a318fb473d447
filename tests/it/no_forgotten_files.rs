//! A test file that no module names is never compiled, and nobody notices.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

/// The file that must name this one: `main.rs` or `mod.rs` beside it, or, for a `mod.rs`, the one above.
fn parent(file: &Path) -> (PathBuf, String) {
    let folder = file.parent().unwrap();
    let (place, name) = if file.file_name().unwrap() == "mod.rs" {
        (folder.parent().unwrap(), folder.file_name().unwrap())
    } else {
        (folder, file.file_stem().unwrap())
    };
    let name = name.to_string_lossy().into_owned();
    let candidates = [
        place.join("main.rs"),
        place.join("mod.rs"),
        place.with_extension("rs"),
    ];
    (
        candidates
            .into_iter()
            .find(|path| path.exists())
            .unwrap_or_default(),
        name,
    )
}

#[test]
fn every_test_file_is_a_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 5, "found only {files:?}");
    let forgotten: Vec<_> = files
        .into_iter()
        .filter(|file| *file != root.join("main.rs"))
        .filter(|file| {
            let (parent, name) = parent(file);
            let text = fs::read_to_string(parent).unwrap_or_default();
            !text.lines().any(|line| {
                let line = line.trim_start_matches("pub(crate) ").trim();
                line == format!("mod {name};") || line == format!("mod {name} {{")
            })
        })
        .collect();
    assert_eq!(forgotten, Vec::<PathBuf>::new());
}
