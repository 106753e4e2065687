//! Where a source lies: a folder of this machine or a prefix in S3.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The place under which each table has its sub-folder.
///
/// ```
/// # use expansion_source::Location;
/// let location: Location = "s3://lake/exports/crm/".parse()?;
/// assert_eq!(location, Location::S3 { bucket: "lake".into(), prefix: "exports/crm".into() });
/// assert_eq!(location.to_string(), "s3://lake/exports/crm");
/// # Ok::<(), expansion_source::InvalidLocation>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Folder(PathBuf),
    /// Objects of a bucket whose keys start with `prefix` and a slash; all of them when it is empty.
    S3 {
        bucket: String,
        /// The prefix, without slashes at its ends.
        prefix: String,
    },
}

/// The text names no place a source could be in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no source location: {why}")]
pub struct InvalidLocation {
    pub text: String,
    pub why: &'static str,
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let invalid = |why| InvalidLocation { text: text.to_owned(), why };
        match text.split_once("://") {
            None if text.is_empty() => Err(invalid("it is empty")),
            None => Ok(Self::Folder(text.into())),
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_matches('/');
                if !is_bucket_name(bucket) {
                    return Err(invalid("expected s3://bucket/prefix with a valid bucket name"));
                }
                if prefix.contains("//") {
                    return Err(invalid("the prefix has an empty component"));
                }
                Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            Some(("file", path)) if path.starts_with('/') => Ok(Self::Folder(path.into())),
            Some(("file", _)) => Err(invalid("expected file:///absolute/path")),
            Some(_) => Err(invalid("expected s3://bucket/prefix, file:///path or a plain path")),
        }
    }
}

/// The rules of S3 for bucket names, as far as characters and length go.
fn is_bucket_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    (3..=63).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with(['-', '.'])
        && !text.ends_with(['-', '.'])
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for text in ["s3://lake", "s3://lake/a/b", "/data/crm", "data/crm", "."] {
            let location: Location = text.parse().expect(text);
            assert_eq!(location.to_string(), text);
        }
        assert_eq!("file:///data/crm".parse(), Ok(Location::Folder("/data/crm".into())));
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for text in ["", "s3://", "s3:///a", "s3://UPPER/a", "s3://lake/a//b", "file://data", "gs://lake/a"] {
            assert!(text.parse::<Location>().is_err(), "{text:?}");
        }
    }
}
