//! The defects that a study of OpenKruise Rollouts' traffic routing found, numbered D1 to D25: each has a test of its number,
//! which shows that ours does not have it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The numbers in the name of a test: `d2_and_d3_...` has two.
fn numbers(name: &str) -> impl Iterator<Item = u32> {
    let words = name.split('_').filter_map(|word| word.strip_prefix('d'));
    words.filter_map(|digits| digits.parse().ok())
}

#[test]
fn every_defect_of_the_study_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    let mut shown = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("#[test]") || pair[0].starts_with("#[tokio::test"))
        {
            let name = pair[1].trim_start_matches("async ").strip_prefix("fn ");
            let name = name.and_then(|rest| rest.split('(').next());
            shown.extend(name.into_iter().flat_map(numbers));
        }
    }
    let missing: Vec<u32> = (1..=25).filter(|number| !shown.contains(number)).collect();
    assert_eq!(missing, Vec::<u32>::new());
}
