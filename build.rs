//! Links the C++ library of the script engine, and what unwinds, into the executable where that is possible, so that it runs in
//! images that have the C library alone and maps a megabyte less into memory, and keeps together what runs only at the start.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if !(is_gnu && is_linux) {
        return Ok(());
    }
    // What sets up the script engine's constants would be pages apart; linkers that always keep it together ignore this.
    println!("cargo::rustc-link-arg-bins=-Wl,-z,keep-text-section-prefix");
    // The first folder that has either form of a library decides which one is linked; this one has the one form alone. What
    // unwinds has another name in it than the shared library that is asked for.
    let folder = PathBuf::from(env::var("OUT_DIR")?).join("static");
    fs::create_dir_all(&folder)?;
    for (archive, asked_for) in [("libstdc++.a", "libstdc++.a"), ("libgcc_eh.a", "libgcc_s.a")] {
        let mut compiler = cc::Build::new().cpp(true).try_get_compiler()?.to_command();
        let answer = compiler.arg(format!("-print-file-name={archive}")).output()?;
        let library = PathBuf::from(String::from_utf8(answer.stdout)?.trim());
        // A compiler that has none says the bare name. One without the other would leave two libraries that unwind.
        if !(library.is_absolute() && library.is_file()) {
            return Ok(());
        }
        fs::copy(&library, folder.join(asked_for))?;
    }
    println!("cargo::rustc-link-search=native={}", folder.display());
    Ok(())
}
