//! Checks of the files themselves: where they are, how long, what they may not say.

use std::collections::BTreeSet;
use std::path::Path;

use expansion_tidy::{files, names, text};

/// The whole top of the repository, beside dotfiles.
const TOP: [&str; 10] =
    ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "events", "findings", "functions", "infra", "shared", "tests"];
/// The longest a file of Rust may be.
const MOST_LINES: usize = 600;
/// The longest the main file of a function may be.
const MOST_MAIN_LINES: usize = 40;
/// What finished work does not say. (In two pieces each, because this file is looked at too.)
const UNFINISHED: [&str; 4] =
    [concat!("to", "do!"), concat!("unimpl", "emented!"), concat!("db", "g!"), concat!("FIX", "ME")];

/// The Rust files with what they say.
fn sources() -> impl Iterator<Item = (String, String)> {
    let rust = files().into_iter().filter(|file| Path::new(file).extension().is_some_and(|kind| kind == "rs"));
    rust.map(|file| {
        let text = text(&file).expect("Rust is text");
        (file, text)
    })
}

/// Fails with the offenders, if there are any, and with what to do about them.
fn assert_none(offenders: impl Iterator<Item = String>, what_to_do: &str) {
    let offenders: Vec<String> = offenders.collect();
    assert!(offenders.is_empty(), "{what_to_do}:\n  {}", offenders.join("\n  "));
}

#[test]
fn the_top_level_is_the_map() {
    let files = files();
    let top: BTreeSet<&str> = files.iter().filter_map(|file| file.split('/').next()).collect();
    let found: Vec<&str> = top.into_iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(
        found, TOP,
        "the top level (left) has its fixed entries (right): put new things into one of the folders"
    );
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    // A module's tests need no introduction.
    let inner_test = |file: &str| file.ends_with("/tests.rs") || file.contains("/tests/");
    let silent = sources().filter(|(file, text)| !inner_test(file) && !text.starts_with("//!"));
    assert_none(silent.map(|(file, _)| file), "begin these files with a `//!` line that says what they own");
}

#[test]
fn no_rust_file_is_long() {
    let long = sources().map(|(file, text)| (file, text.lines().count())).filter(|(_, lines)| *lines > MOST_LINES);
    let long = long.map(|(file, lines)| format!("{file}: {lines} lines"));
    assert_none(long, &format!("split these files along what they own, to {MOST_LINES} lines at most"));
}

#[test]
fn every_main_is_short() {
    let of_events = names("functions").into_iter().filter(|folder| folder != "api");
    let mains = of_events.map(|function| format!("functions/{function}/src/main.rs"));
    let binaries = names("functions/api/src/bin").into_iter().map(|file| format!("functions/api/src/bin/{file}"));
    let bad = mains.chain(binaries).filter_map(|main| match text(&main).map(|text| text.lines().count()) {
        Some(..=MOST_MAIN_LINES) => None,
        Some(lines) => Some(format!("{main}: {lines} lines")),
        None => Some(format!("{main}: missing")),
    });
    assert_none(bad, &format!("a function's main has at most {MOST_MAIN_LINES} lines: move the rest to its library"));
}

#[test]
fn no_rust_file_has_tabs() {
    let tabs = sources().filter(|(_, text)| text.contains('\t')).map(|(file, _)| file);
    assert_none(tabs, "run `cargo fmt`, and write \\t where a string needs a tab");
}

#[test]
fn nothing_is_left_unfinished() {
    let files = files();
    let lines = files.iter().flat_map(|file| {
        let text = text(file).unwrap_or_default();
        let unfinished = |line: &str| UNFINISHED.iter().any(|word| line.contains(word));
        let numbered = text.lines().enumerate().filter(|(_, line)| unfinished(line));
        numbered.map(|(n, line)| format!("{file}:{}: {}", n + 1, line.trim())).collect::<Vec<_>>()
    });
    assert_none(lines, "finish these lines or take them out");
}
