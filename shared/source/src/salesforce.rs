//! Salesforce's two forms of an id: 15 characters in which case matters, or the same and three that say which of them
//! are capitals.

/// The 15 characters of an id of 18, if its last three are right.
pub(crate) fn short(id: &str) -> Option<&str> {
    let short = (id.len() == 18).then(|| id.get(..15)).flatten()?;
    suffix(short).is_some_and(|suffix| suffix.as_bytes() == &id.as_bytes()[15..]).then_some(short)
}

/// An id in its shorter form, if it has one.
pub(crate) fn shorter(id: &str) -> &str {
    short(id).unwrap_or(id)
}

/// The 18 characters of an id of 15.
pub(crate) fn long(id: &str) -> Option<String> {
    Some(format!("{id}{}", suffix(id)?))
}

/// One character for each five: the number whose bits say which are capitals, written as A to Z and 0 to 5.
fn suffix(id: &str) -> Option<String> {
    if id.len() != 15 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let capitals = |five: &[u8]| (0..5).filter(|i| five[*i].is_ascii_uppercase()).fold(0_u8, |bits, i| bits | 1 << i);
    let written = |bits: u8| char::from(if bits < 26 { b'A' + bits } else { b'0' + bits - 26 });
    Some(id.as_bytes().chunks(5).map(|five| written(capitals(five))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one_id() {
        // Examples from Salesforce's documentation and its demo data.
        for (id, whole) in [
            ("00130000001OODY", "00130000001OODYAA4"),
            ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
            ("a0FB00000099lxa", "a0FB00000099lxaMAA"),
            ("00D000000000062", "00D000000000062EAA"),
        ] {
            assert_eq!(long(id).as_deref(), Some(whole));
            assert_eq!(short(whole), Some(id));
        }
    }

    #[test]
    fn an_id_that_only_looks_like_one_is_left_alone() {
        for id in ["00130000001OODYAA5", "00130000001OODY", "cus-00000000000001", "enterprise-plan-eu", "ééééééééé"]
        {
            assert_eq!(short(id), None, "{id}");
        }
        assert_eq!(long("00130000-01OODY"), None);
        assert_eq!(long("ééééééé1"), None);
    }
}
