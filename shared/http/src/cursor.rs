//! Cursors: where a list goes on. Opaque to the client, tied to a run and to the list that was asked for, and signed,
//! so that nobody reads on in somebody else's list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use expansion_service::list::PageStart;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Length of the signature in bytes (HMAC-SHA-256, truncated).
const SIGNATURE: usize = 16;

/// Signs cursors with a secret, which `Debug` does not show.
#[derive(Clone, Debug)]
pub(crate) struct CursorKey(Hmac<Sha256>);

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Which list of a run.
    pub(crate) list: String,
    /// Where it goes on.
    #[serde(flatten)]
    pub(crate) start: PageStart,
}

impl CursorKey {
    #[expect(clippy::expect_used, reason = "never fails: HMAC takes keys of any length")]
    pub(crate) fn new(secret: &str) -> Self {
        Self(Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length"))
    }

    /// The cursor as the client gets it.
    pub(crate) fn seal(&self, cursor: &Cursor) -> String {
        // A cursor is plain data with string keys: it always has a JSON form.
        let mut bytes = serde_json::to_vec(cursor).unwrap_or_default();
        let signature = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&signature[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor a client brought back, if this key sealed it.
    pub(crate) fn open(&self, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        self.0.clone().chain_update(payload).verify_truncated_left(signature).ok()?;
        serde_json::from_slice(payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use expansion_records::Position;
    use proptest::prelude::*;

    use super::*;

    fn cursor(score: u8, customer: &str) -> Cursor {
        let run_id = "20220630T235959Z-0bd1c9a2".parse().expect("a run id");
        let after = Position { value: Some(f64::from(score)), customer_id: customer.into() };
        Cursor { list: "all".to_owned(), start: PageStart { run_id, after, rank: 50 } }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_the_round_trip(score in 0_u8..=100, customer in ".{0,20}") {
            let key = CursorKey::new("secret");
            let cursor = cursor(score, &customer);
            prop_assert_eq!(key.open(&key.seal(&cursor)), Some(cursor));
        }

        #[test]
        fn a_changed_cursor_is_refused(at in 0_usize..60, flip in 1_u8..=255) {
            let key = CursorKey::new("secret");
            let mut bytes = URL_SAFE_NO_PAD.decode(key.seal(&cursor(70, "c"))).expect("base64");
            let at = at % bytes.len();
            bytes[at] ^= flip;
            prop_assert_eq!(key.open(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }

    #[test]
    fn another_key_and_rubbish_are_refused() {
        let sealed = CursorKey::new("secret").seal(&cursor(70, "c"));
        assert_eq!(CursorKey::new("other").open(&sealed), None);
        for rubbish in ["", "x", "%%%", "AAAA"] {
            assert_eq!(CursorKey::new("secret").open(rubbish), None, "{rubbish:?}");
        }
    }
}
