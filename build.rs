//! Links the C++ library of the script engine into the executable where that is possible, so that it runs in images that have
//! none and maps a megabyte less into memory.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let is_gnu = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if !(is_gnu && is_linux) {
        return Ok(());
    }
    let mut asked = cc::Build::new().cpp(true).try_get_compiler()?.to_command();
    let answer = asked.arg("-print-file-name=libstdc++.a").output()?;
    let library = PathBuf::from(String::from_utf8(answer.stdout)?.trim());
    // A compiler that has none says the bare name.
    if library.is_absolute() && library.is_file() {
        // The first folder that has either form of a library decides which one is linked; this one has the one form alone.
        let folder = PathBuf::from(env::var("OUT_DIR")?).join("static");
        fs::create_dir_all(&folder)?;
        fs::copy(&library, folder.join("libstdc++.a"))?;
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    Ok(())
}
