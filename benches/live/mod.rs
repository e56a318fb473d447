//! Figures that need a server: a real control plane, or the simulated one on loopback for what only counts requests.

#[path = "../../tests/it/live/audit.rs"]
#[expect(
    clippy::unwrap_used,
    reason = "a file of the tests, where a log that cannot be read ends the measurement"
)]
mod audit;
mod control_plane;
#[path = "../../tests/it/harness/meter.rs"]
mod meter;
mod releases;
pub(crate) mod scale;
pub(crate) mod single;

use std::path::{Path, PathBuf};

/// A binary of the control plane that was built for the live tests, if it was.
pub(crate) fn built(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let builds = std::fs::read_dir(cache.join("kubectl-kruise/control-plane")).ok()?;
    let mut found: Vec<PathBuf> = builds
        .flatten()
        .map(|build| build.path().join(name))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop()
}

/// Prints the figures of a real control plane; `executable` is ours.
pub(crate) fn real(executable: &Path) {
    if built("kube-apiserver").is_some() || std::env::var_os("KUBECTL_KRUISE_BENCH_LIVE").is_some() {
        releases::print(executable);
    } else {
        super::line(
            "releases on a real control plane",
            "not built",
            "KUBECTL_KRUISE_BENCH_LIVE=1 builds it",
        );
    }
}
