//! What studies of others found, by number: the defects of OpenKruise Rollouts' traffic routing (D1 to D25), the bugs of its
//! Go plugin (B1 to B23), and the traps into which command lines like this one fall (1 to 25, below). Each has a test with its
//! number in its name, which shows that ours does not have it.

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

/// The traps; `trap3_...` is a test of the third.
const TRAPS: [&str; 25] = [
    "undo where the bad version removed a field takes it back",
    "--fast with --dry-run sends nothing",
    "two approvals at once advance once",
    "an approval while a step is on its way skips nothing",
    "approving all steps where there are none says so",
    "deadlines hold with a forbidden list, a silent server and a hanging credential plugin",
    "a watch that has run out of time does not exit with 0",
    "an interruption is told as one",
    "a wrong argument is a usage error, never a panic",
    "what goes into a pipe has no escapes; colour follows the known variables",
    "a pause without an end is returned from by --until, and who must act is told",
    "on a small terminal the top stays visible whatever there is below",
    "missing rights make a view poorer, and do not make it hang",
    "pause and resume may be said twice",
    "undo keeps annotations of others",
    "fields that are not known survive a write",
    "clusters that serve only one version of Rollouts",
    "what is deleted and made anew is another",
    "readiness gates are seen",
    "a long pause by a human never counts to a deadline",
    "nothing is told done before its controller has seen it",
    "an empty selection has a message and an exit code of its own",
    "two Rollouts of one workload",
    "a template that is there already is nothing to do, and its revision is named",
    "credentials in messages are hidden",
];

/// The numbers in the name of a test: `d2_and_d3_...` has two.
fn numbers<'a>(name: &'a str, prefix: &'a str) -> impl Iterator<Item = u32> + 'a {
    let words = name.split('_').filter_map(move |word| word.strip_prefix(prefix));
    words.filter_map(|digits| digits.parse().ok())
}

#[test]
fn every_number_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines
            .windows(2)
            .filter(|pair| pair[0].starts_with("#[test]") || pair[0].starts_with("#[tokio::test"))
        {
            let name = pair[1].trim_start_matches("async ").strip_prefix("fn ");
            let name = name.and_then(|rest| rest.split('(').next());
            names.extend(name.map(str::to_owned));
        }
    }
    let mut missing = Vec::new();
    let traps = u32::try_from(TRAPS.len()).unwrap();
    for (prefix, last) in [("d", 25), ("b", 23), ("trap", traps)] {
        let shown: BTreeSet<u32> = names.iter().flat_map(|name| numbers(name, prefix)).collect();
        let lacks = (1..=last).filter(|number| !shown.contains(number));
        missing.extend(lacks.map(|number| format!("{prefix}{number}")));
    }
    assert_eq!(missing, Vec::<String>::new());
}
