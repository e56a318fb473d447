//! Verbs that another kubectl-kruise has: the one further down PATH is started in place of this one.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::{Error, Result};

/// The executable's name on PATH.
const PROGRAM: &str = if cfg!(windows) {
    "kubectl-kruise.exe"
} else {
    "kubectl-kruise"
};

/// The first kubectl-kruise of `path` that stands behind `own`; the first of all when `own` is not among them.
///
/// Looking only behind itself means that two copies of this program never hand a verb to and fro.
#[must_use]
pub fn find(path: &[PathBuf], own: &Path) -> Option<PathBuf> {
    let real = |file: &Path| file.canonicalize().ok();
    let own = real(own)?;
    let candidates: Vec<PathBuf> = path
        .iter()
        .map(|folder| folder.join(PROGRAM))
        .filter(|file| file.is_file())
        .collect();
    let behind = candidates
        .iter()
        .rposition(|file| real(file).as_ref() == Some(&own))
        .map_or(0, |at| at + 1);
    candidates.into_iter().nth(behind)
}

/// Hands the command line on. Returns only when there is nobody to hand it to, or (Windows) with the exit code.
///
/// # Errors
/// When no other kubectl-kruise is on PATH, or it does not start.
pub fn hand_on(verb: &OsString, arguments: &[OsString]) -> Result<u8> {
    let path: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let other = std::env::current_exe().ok().and_then(|own| find(&path, &own)).ok_or_else(|| {
        Error::usage(format!("unknown command {:?}", verb.to_string_lossy()))
            .hint("run 'kubectl kruise --help' for what there is; other verbs need another kubectl-kruise further down PATH")
    })?;
    start(Command::new(&other).args(arguments), &other)
}

#[cfg(unix)]
fn start(command: &mut Command, other: &Path) -> Result<u8> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(Error::new(
        crate::error::Kind::General,
        format!("cannot start {}: {error}", other.display()),
    ))
}

#[cfg(not(unix))]
fn start(command: &mut Command, other: &Path) -> Result<u8> {
    let status = command.status().map_err(|error| {
        Error::new(
            crate::error::Kind::General,
            format!("cannot start {}: {error}", other.display()),
        )
    })?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(crate::exit_code::ERROR))
}

#[cfg(test)]
mod tests {
    use super::{PROGRAM, find};

    #[test]
    fn looks_only_behind_itself() {
        let root = std::env::temp_dir().join(format!("kruise-foreign-{}", std::process::id()));
        let folders = ["a", "b", "c"].map(|name| root.join(name));
        for folder in &folders {
            std::fs::create_dir_all(folder).unwrap();
        }
        let (own, other) = (folders[1].join(PROGRAM), folders[2].join(PROGRAM));
        std::fs::write(&own, "").unwrap();
        std::fs::write(&other, "").unwrap();
        assert_eq!(find(&folders, &own), Some(other.clone()));
        assert_eq!(find(&folders, &other), None);
        assert_eq!(find(&folders[..2], &other), Some(own));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
