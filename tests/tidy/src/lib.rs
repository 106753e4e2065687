//! The repository as text: what the checks under `tests/` walk through.
//!
//! Those checks hold what `shared/ARCHITECTURE.md` promises. Each fails with what to do about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files under version control, relative to the top; of a bare copy of the tree, all but what a build leaves.
pub fn files() -> Vec<String> {
    let git = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output();
    let mut files: Vec<String> = match git {
        Ok(listed) if listed.status.success() => {
            String::from_utf8_lossy(&listed.stdout).split_terminator('\0').map(str::to_owned).collect()
        }
        _ => walk(""),
    };
    // Git still lists what is deleted but not committed.
    files.retain(|file| root().join(file).exists());
    files.sort();
    files
}

/// Everything below a folder of the repository.
fn walk(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in names(folder) {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if !root().join(&path).is_dir() {
            found.push(path);
        } else if name != "target" && name != ".git" {
            found.extend(walk(&path));
        }
    }
    found
}

/// The names of what a folder of the repository holds, in order; none where there is no such folder.
pub fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What a file of the repository says; `None` when it is not text.
pub fn text(file: &str) -> Option<String> {
    fs::read_to_string(root().join(file)).ok()
}
