//! The name that somebody may have meant.

/// `; did you mean …?` with the one of `known` that is nearest to `name`, if one is near.
pub(super) fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let nearest = known.map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 1 + known.len() / 4 => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = || ["columns", "files", "keep"].into_iter();
        assert_eq!(suggestion("colums", known()), "; did you mean `columns`?");
        assert_eq!(suggestion("File", known()), "; did you mean `files`?");
        assert_eq!(suggestion("currency", known()), "");
    }
}
