//! Manual pages come from the command line's definition; this test finds those that are out of
//! date, and `UPDATE_GENERATED=1 cargo test generated` writes them anew.

use std::{collections::BTreeMap, fs, path::Path};

use kubectl_kruise::cli;

fn pages(command: &clap::Command, name: &str, pages: &mut BTreeMap<String, String>) {
    let mut page = Vec::new();
    let named = command
        .clone()
        .name(name.to_owned())
        .bin_name(name.replace("kubectl-", "kubectl ").replace('-', " "));
    clap_mangen::Man::new(named).render(&mut page).unwrap();
    pages.insert(format!("man/{name}.1"), String::from_utf8(page).unwrap());
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        self::pages(verb, &format!("{name}-{}", verb.get_name()), pages);
    }
}

fn generated() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut command = cli::command();
    command.build();
    pages(&command, "kubectl-kruise", &mut files);
    files
}

#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let mut stale = Vec::new();
    for (name, text) in generated() {
        let path = root.join(&name);
        if update {
            fs::write(&path, &text).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            stale.push(name);
        }
    }
    assert_eq!(
        stale,
        Vec::<String>::new(),
        "write them anew: UPDATE_GENERATED=1 cargo test generated"
    );
}

#[test]
fn every_generated_file_is_still_wanted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wanted = generated();
    let there = fs::read_dir(root.join("man"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let orphans: Vec<String> = there
        .filter(|name| !wanted.contains_key(&format!("man/{name}")))
        .collect();
    assert_eq!(orphans, Vec::<String>::new());
}
