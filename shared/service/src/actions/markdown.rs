//! How Markdown shows a text as it is: the escaper that `askama.toml` gives the templates.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// What means something in `CommonMark` or GitHub's dialect. A letter never does, and nothing here begins a line. With
/// colon, full stop and at sign, addresses become no links of their own accord.
const SPECIAL: &str = r"\`*_{}[]()#+-!|~:.@=$^";

/// Escapes everything that means something in Markdown.
#[derive(Clone, Copy)]
pub(crate) struct Markdown;

impl Escaper for Markdown {
    fn write_escaped_str<W: Write>(&self, mut to: W, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '&' => to.write_str("&amp;")?,
                c if SPECIAL.contains(c) => {
                    to.write_char('\\')?;
                    to.write_char(c)?;
                }
                c => to.write_char(c)?,
            }
        }
        Ok(())
    }
}
