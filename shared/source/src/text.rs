//! A file's text as UTF-8, with its beginning at hand.
//!
//! Owns which encoding a text file is in. Must not know what its text means.

use std::io::{self, Cursor, Read};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// Bytes of a file that are looked at before it is read.
const HEAD: usize = 1 << 16;

/// A text file, of which the beginning was read.
pub(crate) struct Text<'r> {
    /// At most [`HEAD`] bytes of UTF-8, or of what is UTF-8 but for a few rows; no byte order mark.
    head: Vec<u8>,
    rest: Box<dyn Read + 'r>,
    /// Whether the beginning has nothing but ASCII, so that it doesn't tell the encoding of what follows.
    is_ascii: bool,
}

impl<'r> Text<'r> {
    pub(crate) fn open(mut input: impl Read + 'r) -> io::Result<Self> {
        let mut head = head_of(&mut input)?;
        let (encoding, mark) = encoding_of(&head);
        head.drain(..mark);
        if encoding == UTF_8 {
            return Ok(Self { is_ascii: head.is_ascii(), head, rest: Box::new(input) });
        }
        let input = Cursor::new(head).chain(input);
        let mut decoded = DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_sniffing(false).build(input);
        Ok(Self { head: head_of(&mut decoded)?, rest: Box::new(decoded), is_ascii: false })
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether the beginning is the whole file.
    pub(crate) fn is_whole(&self) -> bool {
        self.head.len() < HEAD
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// The lines of the beginning that are surely whole.
    pub(crate) fn whole_lines(&self) -> &[u8] {
        let end = self.head.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        if self.is_whole() { &self.head } else { &self.head[..end] }
    }

    /// The whole text from byte `start` of the beginning on.
    pub(crate) fn reader(self, start: usize) -> impl Read + 'r {
        let mut head = Cursor::new(self.head);
        head.set_position(start as u64);
        head.chain(self.rest)
    }
}

fn head_of(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    input.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The encoding that a file begins in, and the length of its byte order mark.
fn encoding_of(head: &[u8]) -> (&'static Encoding, usize) {
    if let Some(marked) = Encoding::for_bom(head) {
        return marked;
    }
    let encoding = match zeros(head) {
        (even, odd) if odd > even => UTF_16LE,
        (even, odd) if even > odd => UTF_16BE,
        _ if is_windows_1252(head) => WINDOWS_1252,
        _ => UTF_8,
    };
    (encoding, 0)
}

/// The zero bytes at even and at odd places of a header: in UTF-16 every other byte of an ASCII text is zero.
fn zeros(head: &[u8]) -> (usize, usize) {
    let header = &head[..head.len().min(256) / 2 * 2];
    let (mut even, mut odd) = (0, 0);
    for pair in header.chunks_exact(2) {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    // A stray zero byte is none of UTF-16.
    if even + odd > header.len() / 4 { (even, odd) } else { (0, 0) }
}

/// Whether a text is no UTF-8 but may be Windows-1252, of which Latin-1's letters are a part. What has more letters in
/// UTF-8 than damaged ones is UTF-8: by chance, few letters in a row look like one of its.
fn is_windows_1252(head: &[u8]) -> bool {
    let (mut letters, mut others) = (0, 0);
    for chunk in head.utf8_chunks() {
        if chunk.invalid().iter().any(|byte| UNASSIGNED.contains(byte)) {
            return false;
        }
        letters += chunk.valid().chars().filter(|letter| !letter.is_ascii()).count();
        others += usize::from(!chunk.invalid().is_empty());
    }
    // The end of the beginning may cut a letter in two.
    let is_cut = head.len() == HEAD && !head.ends_with(b"\n");
    others > letters + usize::from(is_cut)
}

/// The bytes that Windows-1252 has no letter for.
const UNASSIGNED: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// A field of a file that began as ASCII, and so may be Windows-1252.
pub(crate) fn windows_1252(bytes: &[u8]) -> Option<String> {
    let is_assigned = !bytes.iter().any(|byte| UNASSIGNED.contains(byte));
    is_assigned.then(|| WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        let opened = Text::open(bytes).expect("readable");
        opened.reader(0).read_to_string(&mut text).expect("UTF-8");
        text
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn a_text_is_read_in_whatever_encoding_it_is() {
        let long = "customer_id,name\n".to_owned() + &"c1,Café Zoë – 10 €\n".repeat(10_000);
        for text in ["customer_id,name\nc1,Müller & Søn\n", "customer_id\n", "", &long] {
            let (little, big) = (utf_16(text, u16::to_le_bytes), utf_16(text, u16::to_be_bytes));
            assert_eq!(read(text.as_bytes()), text);
            assert_eq!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()), text);
            assert_eq!(read(&[b"\xff\xfe", &*little].concat()), text);
            assert_eq!(read(&[b"\xfe\xff", &*big].concat()), text);
            assert_eq!(read(&little), text);
            assert_eq!(read(&big), text);
            assert_eq!(read(&WINDOWS_1252.encode(text).0), text);
        }
    }

    #[test]
    fn damaged_utf_8_is_no_other_encoding() {
        let mut damaged = "name\nMüller\n".as_bytes().to_vec();
        damaged.extend(b"M\xfcller\n");
        assert_eq!(encoding_of(&damaged), (UTF_8, 0));
        assert_eq!(encoding_of(b"name\n\x81\xfc\n"), (UTF_8, 0));
        assert_eq!(encoding_of(b"name\na\0b\n"), (UTF_8, 0));
        // A letter that the end of the beginning cuts in two.
        let mut cut = vec![b'a'; HEAD - 1];
        cut.push(0xc3);
        assert_eq!(encoding_of(&cut), (UTF_8, 0));
    }
}
