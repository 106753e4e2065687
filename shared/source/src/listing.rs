//! Which files lie where: the same list from a folder and from S3.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Object;

use crate::names::is_hidden;
use crate::open::unreadable;
use crate::{Location, SourceError};

/// A file, or a folder that was not looked into.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Its path below the source's location, with slashes; a folder's ends with one.
    pub(crate) path: String,
    pub(crate) size: u64,
    /// What changes when its content does: an `ETag` or a time of modification.
    pub(crate) version: String,
}

impl Found {
    pub(crate) fn folder(path: String) -> Self {
        Self { path, size: 0, version: String::new() }
    }
}

/// The hidden folders of files that say which others count.
const LOGS: [&str; 2] = ["_delta_log", ".hoodie"];

/// What lies at the top of a source: its files, and its folders without what is in them.
pub(crate) async fn top(location: &Location, s3: &Client) -> Result<Vec<Found>, SourceError> {
    match location {
        Location::Folder(folder) => {
            let mut found = Vec::new();
            for name in names(folder, &folder.display().to_string())? {
                let path = folder.join(&name);
                if path.is_dir() {
                    found.push(Found::folder(format!("{name}/")));
                } else {
                    walk(&path, name, &mut found)?;
                }
            }
            Ok(found)
        }
        Location::S3 { bucket, prefix } => {
            let root = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
            let mut pages = s3.list_objects_v2().bucket(bucket).prefix(&root).delimiter("/").into_paginator().send();
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| SourceError::s3(location.to_string(), &error))?;
                let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix()?.strip_prefix(&root));
                found.extend(folders.map(|folder| Found::folder(folder.to_owned())));
                found.extend(page.contents().iter().filter_map(|object| found_object(object, &root)));
            }
            Ok(found)
        }
    }
}

/// All files at any depth below a folder at the top, whose name ends with a slash.
pub(crate) async fn below(location: &Location, top: &str, s3: &Client) -> Result<Vec<Found>, SourceError> {
    let mut found = Vec::new();
    match location {
        Location::Folder(folder) => walk(&folder.join(top), top.trim_end_matches('/').to_owned(), &mut found)?,
        Location::S3 { bucket, prefix } => {
            let root = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
            let mut pages = s3.list_objects_v2().bucket(bucket).prefix(format!("{root}{top}")).into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| SourceError::s3(format!("{location}/{top}"), &error))?;
                found.extend(page.contents().iter().filter_map(|object| found_object(object, &root)));
            }
        }
    }
    Ok(found)
}

/// Keys that end with a slash stand for folders.
fn found_object(object: &Object, root: &str) -> Option<Found> {
    let path = object.key()?.strip_prefix(root)?;
    let version = object.e_tag().map(str::to_owned).or_else(|| object.last_modified().map(ToString::to_string));
    let size = object.size().and_then(|size| size.try_into().ok()).unwrap_or_default();
    let is_file = !path.is_empty() && !path.ends_with('/');
    is_file.then(|| Found { path: path.to_owned(), size, version: version.unwrap_or_default() })
}

/// Adds the files at or below `path`, whose path below the source is `relative`.
fn walk(path: &Path, relative: String, found: &mut Vec<Found>) -> Result<(), SourceError> {
    let name = relative.rsplit('/').next().unwrap_or_default();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // Editors mark open files with links to nowhere.
        Err(_) if is_hidden(name) => return Ok(()),
        Err(cause) => return Err(unreadable(&relative)(cause)),
    };
    if !metadata.is_dir() {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let version = modified.map_or_else(String::new, |time| time.as_nanos().to_string());
        found.push(Found { path: relative, size: metadata.len(), version });
    } else if is_hidden(name) && !LOGS.contains(&name) {
        found.push(Found::folder(format!("{relative}/")));
    } else {
        for name in names(path, &relative)? {
            walk(&path.join(&name), format!("{relative}/{name}"), found)?;
        }
    }
    Ok(())
}

/// The names in a folder.
fn names(folder: &Path, shown: &str) -> Result<Vec<String>, SourceError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable(shown))? {
        names.push(entry.map_err(unreadable(shown))?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
