//! Checks of the crates: which may depend on which, and that the pure ones are pure.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use expansion_tidy::{files, root, text};

/// The crates without I/O, clock, environment, AWS and entropy.
const PURE: [&str; 7] = ["answer", "domain", "features", "model", "question", "records", "training"];
/// Packages (by how their names begin) that would bring one of those in. All of `rand`'s entropy is `getrandom`.
const IMPURE_PACKAGES: [&str; 9] =
    ["aws-", "getrandom", "hyper", "lambda_", "mio", "reqwest", "rustls", "socket2", "tokio"];
/// Paths of the standard library that would.
const IMPURE_PATHS: [&str; 6] = ["std::fs", "std::net", "std::env", "std::process", "SystemTime", "Instant::now"];

/// How high a crate's folder stands: a crate depends only on what stands lower.
fn height(folder: &str) -> Option<u8> {
    Some(match folder {
        "shared/domain" | "shared/telemetry" | "infra/simulator" => 0,
        "shared/features" => 1,
        "shared/model" => 2,
        "shared/records" | "shared/training" => 3,
        "shared/answer" => 4,
        "shared/question" | "shared/source" | "shared/store" => 5,
        "shared/service" => 6,
        "shared/http" | "shared/lambda" => 7,
        "shared/pages" => 8,
        "infra/local" => 10,
        _ if folder.starts_with("functions/") => 9,
        _ if folder.starts_with("tests/") => 11,
        _ => return None,
    })
}

fn workspace() -> Metadata {
    let manifest = root().join("Cargo.toml");
    let metadata =
        MetadataCommand::new().manifest_path(manifest).no_deps().other_options(["--offline".to_owned()]).exec();
    metadata.expect("`cargo metadata` describes the workspace")
}

/// The arrows between the project's own crates, as folders, with their kinds.
fn arrows<'w>(workspace: &'w Metadata) -> Vec<(&'w str, &'w str, DependencyKind)> {
    let folder = |path: &'w Utf8Path| path.strip_prefix(&workspace.workspace_root).ok().map(Utf8Path::as_str);
    let mut arrows = Vec::new();
    for package in &workspace.packages {
        let from = package.manifest_path.parent().and_then(folder).expect("a folder of the repository");
        for dependency in &package.dependencies {
            if let Some(to) = dependency.path.as_deref().and_then(folder) {
                arrows.push((from, to, dependency.kind));
            }
        }
    }
    arrows
}

#[test]
fn arrows_only_point_down() {
    let workspace = workspace();
    for (from, to, kind) in arrows(&workspace) {
        let (Some(high), Some(low)) = (height(from), height(to)) else {
            panic!("{from} → {to}: give both a place in `height`, and in shared/ARCHITECTURE.md");
        };
        // Unit tests may use what `tests/` has for them.
        let is_of_tests = from.starts_with("tests/") || kind == DependencyKind::Development && to.starts_with("tests/");
        assert!(high > low || is_of_tests, "{from} may not depend on {to}: move what it needs from there further down");
    }
}

#[test]
fn only_training_knows_smartcore() {
    for package in workspace().packages {
        let knows = package.dependencies.iter().any(|dependency| dependency.name == "smartcore");
        assert!(
            !knows || package.name.as_str() == "expansion-training",
            "{} depends on smartcore: fitting belongs in shared/training, and scoring needs no library",
            package.name
        );
    }
    let fitting = tree("scorer").lines().any(|line| line.starts_with("smartcore ") || line.starts_with("faer "));
    assert!(!fitting, "the scorer links what only fitting needs: see `cargo tree -p scorer -e normal -i faer`");
}

/// Else `cargo test` would build again what `cargo run` has built.
#[test]
fn tests_add_no_feature_to_what_the_program_is_built_from() {
    let tree = |edges: &str| {
        let tree = cargo_tree(&["--workspace", "--edges", edges, "--format={p} {f}"]);
        tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect::<BTreeSet<_>>()
    };
    let (program, all) = (tree("no-dev"), tree("all"));
    let otherwise: Vec<&String> = program.difference(&all).collect();
    assert!(
        otherwise.is_empty(),
        "a dev-dependency adds features to these: have the workspace ask for them too\n{otherwise:#?}"
    );
}

/// The packages that a package is linked from. Unlike `cargo metadata`, this resolves the features of the one package, not
/// those of the workspace together.
fn tree(package: &str) -> String {
    cargo_tree(&["--edges=normal", "--format={p}", "--package", package])
}

fn cargo_tree(arguments: &[&str]) -> String {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--prefix=none"]).args(arguments).current_dir(root());
    let tree = tree.output().expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    String::from_utf8_lossy(&tree.stdout).into_owned()
}

#[test]
fn pure_crates_depend_on_nothing_impure() {
    for name in PURE {
        let tree = tree(&format!("expansion-{name}"));
        let impure = tree.lines().find(|package| IMPURE_PACKAGES.iter().any(|impure| package.starts_with(impure)));
        assert_eq!(impure, None, "shared/{name} must stay pure: see `cargo tree -p expansion-{name} -e normal -i`");
    }
}

#[test]
fn pure_crates_reach_for_nothing_outside() {
    let pure = |file: &&String| PURE.iter().any(|name| file.starts_with(&format!("shared/{name}/src/")));
    for file in files().iter().filter(pure) {
        let text = text(file).unwrap_or_default();
        for (n, line) in text.lines().enumerate() {
            let impure = IMPURE_PATHS.iter().find(|path| line.contains(**path));
            assert_eq!(impure, None, "{file}:{}: a pure crate is given what it needs as arguments", n + 1);
        }
    }
}
