//! What krew is given: a manifest that follows the rules of its index, and archives from which the plugin is installed.

use std::{collections::BTreeSet, path::Path, process::Command};

use serde_json::{Value, json};

use crate::harness::served::{Folder, Outcome};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn krew(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(root().join("packaging/krew"));
    Outcome::of(command.args(arguments).output().unwrap())
}

fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    };
    format!("{os}-{arch}")
}

#[test]
fn the_manifest_follows_the_rules_of_the_index() {
    let text = std::fs::read_to_string(root().join("krew-manifest.yaml")).unwrap();
    let manifest: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(
        json!([manifest["apiVersion"], manifest["kind"], manifest["metadata"]]),
        json!(["krew.googlecontainertools.github.com/v1alpha2", "Plugin", { "name": "kruise" }])
    );
    let spec = &manifest["spec"];
    let short = spec["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50 && !short.contains('\n'), "{short}");
    for field in ["description", "caveats"] {
        let text = spec[field].as_str().unwrap();
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
    let mut pairs = BTreeSet::new();
    for platform in spec["platforms"].as_array().unwrap() {
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        let ending = if os == "windows" {
            (".zip", ".exe")
        } else {
            (".tar.gz", "")
        };
        let expected = json!({
            "selector": { "matchLabels": { "os": os, "arch": arch } },
            "uri": format!("@URL@/kubectl-kruise-{os}-{arch}{}", ending.0),
            "sha256": format!("@{os}-{arch}@"),
            "bin": format!("kubectl-kruise{}", ending.1),
        });
        assert_eq!(*platform, expected);
        pairs.insert(format!("{os}-{arch}"));
    }
    let wanted = ["darwin", "linux", "windows"].map(|os| [format!("{os}-amd64"), format!("{os}-arm64")]);
    assert_eq!(pairs, wanted.concat().into_iter().collect());
}

/// Packed, and installed from the archive as krew does it: fetched, its checksum checked, unpacked, linked.
#[test]
fn the_archive_of_this_platform_installs() {
    let folder = Folder::new();
    let (out, home) = (folder.file("out"), folder.file("home"));
    let url = format!("file://{}", out.display());
    let (out, home) = (out.display().to_string(), home.display().to_string());
    let pair = format!("{}={}", platform(), env!("CARGO_BIN_EXE_kubectl-kruise"));
    let pack =
        |version: &str, pair: &str| krew(&["pack", "--version", version, "--url", &url, "--out", &out, pair]);
    let packed = pack("v0.1.0", &pair);
    assert_eq!(packed.code, Some(0), "{packed}");
    let manifest = packed.stdout.trim_end().to_owned();
    let read: Value = serde_saphyr::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    let platforms = read["spec"]["platforms"].as_array().unwrap();
    assert_eq!(
        (platforms.len(), &read["spec"]["version"]),
        (1, &json!("v0.1.0")),
        "what cannot be installed is not offered"
    );
    assert!(!read.to_string().contains('@'), "{read}");

    let installed = krew(&["install", &manifest, &home]);
    assert_eq!(installed.code, Some(0), "{installed}");
    let program = installed.stdout.trim_end();
    let version = Outcome::of(
        Command::new(program)
            .args(["version", "--client"])
            .output()
            .unwrap(),
    );
    assert_eq!(
        (version.code, version.stdout.as_str()),
        (
            Some(0),
            concat!("Client Version: v", env!("CARGO_PKG_VERSION"), "\n")
        ),
        "{version}"
    );
    for file in ["LICENSE", "completions/kubectl_complete-kruise"] {
        let path = Path::new(&home).join("store/kruise/v0.1.0").join(file);
        assert!(path.exists(), "{}", path.display());
    }

    // What was changed on the way is not installed.
    let sum = platforms[0]["sha256"].as_str().unwrap();
    let other = format!("{}{}", &sum[1..], &sum[..1]);
    let text = std::fs::read_to_string(&manifest).unwrap().replace(sum, &other);
    std::fs::write(&manifest, text).unwrap();
    let refused = krew(&["install", &manifest, &home]);
    assert!(
        refused.code == Some(1) && refused.stderr.contains("nothing was installed"),
        "{refused}"
    );
    for (version, pair) in [
        ("0.1.0", pair.as_str()),
        ("v0.1.0", "plan9-amd64=/bin/sh"),
        ("v0.1.0", "linux-amd64=/nowhere"),
    ] {
        assert_eq!(pack(version, pair).code, Some(1), "{version} {pair}");
    }
    assert_eq!(krew(&[]).code, Some(64));
}
