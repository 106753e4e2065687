//! Numbers as texts: thousands separators, decimal marks, currencies and the ways to write a negative one.
//!
//! Owns how the marks of a column are told from a sample of its texts. Must not know rows or formats.

use std::collections::BTreeSet;

use crate::DecimalMark;

/// How a column writes its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Numbers {
    /// As programs do: `1234.5`, `-1e3`.
    #[default]
    Plain,
    /// As people do: `$1,234.50`, `1.234,50 €`, `(1 234)`.
    Marked { decimal: DecimalMark, currency: Option<String> },
}

impl Numbers {
    pub(crate) fn read(&self, text: &str) -> Option<f64> {
        match self {
            Self::Plain => fast_float2::parse(text).ok(),
            Self::Marked { decimal, currency } => {
                let number = Number::of(text)?;
                let is_other = number.currency.is_some() && number.currency != currency.as_deref();
                if is_other { None } else { number.value(*decimal) }
            }
        }
    }
}

/// The parts of a number that a person wrote.
struct Number<'a> {
    digits: &'a str,
    is_negative: bool,
    currency: Option<&'a str>,
}

impl<'a> Number<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let first = text.find(|c: char| c.is_ascii_digit())?;
        let last = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        // A fraction without a whole part: `.5`.
        let first = if text[..first].ends_with(['.', ',']) { first - 1 } else { first };
        let (before, after) = (&text[..first], &text[last..]);
        let in_brackets = match (before.matches('(').count(), after.matches(')').count()) {
            (0, 0) => false,
            (1, 1) => true,
            _ => return None,
        };
        let is_minus = |c: char| matches!(c, '-' | '\u{2212}');
        let minuses = before.matches(is_minus).count() + after.matches(is_minus).count();
        if minuses + usize::from(in_brackets) > 1 {
            return None;
        }
        let is_filler = |c: char| is_minus(c) || is_blank(c) || matches!(c, '+' | '(' | ')');
        let currency = match (before.trim_matches(is_filler), after.trim_matches(is_filler)) {
            ("", "") => None,
            (sign, "") | ("", sign) => Some(currency(sign)?),
            _ => return None,
        };
        Some(Self { digits: &text[first..last], is_negative: in_brackets || minuses == 1, currency })
    }

    /// The value with this decimal mark, unless the digits are grouped in no such way.
    fn value(&self, decimal: DecimalMark) -> Option<f64> {
        let (mark, other) = match decimal {
            DecimalMark::Point => ('.', ','),
            DecimalMark::Comma => (',', '.'),
        };
        let (whole, fraction) = self.digits.split_once(mark).unwrap_or((self.digits, ""));
        let mut plain = Plain::default();
        let mut groups = whole.split(|c: char| c == other || is_blank(c) || matches!(c, '\'' | '\u{2019}'));
        plain.extend(groups.next()?)?;
        if is_grouped(whole) {
            plain.extend_grouped(whole, groups)?;
        }
        if !fraction.is_empty() {
            plain.push(b'.')?;
            plain.extend(fraction)?;
        }
        let value: f64 = fast_float2::parse(plain.bytes()).ok()?;
        Some(if self.is_negative { -value } else { value })
    }
}

fn is_grouped(whole: &str) -> bool {
    whole.bytes().any(|byte| !byte.is_ascii_digit())
}

/// A number's digits as programs write them.
#[derive(Default)]
struct Plain {
    bytes: [u8; 32],
    length: usize,
}

impl Plain {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length += 1;
        Some(())
    }

    fn extend(&mut self, digits: &str) -> Option<()> {
        digits.bytes().try_for_each(|byte| if byte.is_ascii_digit() { self.push(byte) } else { None })
    }

    /// Takes the groups after the first: of three digits each, or of two before the last three as in India.
    fn extend_grouped<'g>(&mut self, whole: &str, groups: impl Iterator<Item = &'g str>) -> Option<()> {
        let mut separators = whole.chars().filter(|c| !c.is_ascii_digit());
        let first = separators.next()?;
        let is_right_first = (1..=3).contains(&self.length) && self.bytes[0] != b'0';
        if !is_right_first || separators.any(|other| other != first) {
            return None;
        }
        let mut groups = groups.peekable();
        let mut usual = None;
        while let Some(group) = groups.next() {
            let is_last = groups.peek().is_none();
            let length = group.len();
            let is_right =
                if is_last { length == 3 } else { matches!(length, 2 | 3) && *usual.get_or_insert(length) == length };
            if !is_right {
                return None;
            }
            self.extend(group)?;
        }
        Some(())
    }
}

/// Blanks within a number, also those that don't break.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}')
}

/// One name for the sign of a currency, or `None` when it is none.
fn currency(sign: &str) -> Option<&str> {
    match sign {
        "$" | "US$" => Some("USD"),
        "€" => Some("EUR"),
        "£" => Some("GBP"),
        "¥" | "₹" | "₩" | "₽" | "₺" | "₫" | "₪" | "₴" | "฿" | "₦" | "R$" | "A$" | "C$" | "CA$" | "AU$" | "NZ$"
        | "HK$" | "S$" | "kr" | "zł" | "Kč" | "Fr." => Some(sign),
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => Some(code),
        _ => None,
    }
}

/// What a sample of a column shows of its marks.
#[derive(Debug, Default)]
pub(crate) struct NumbersSeen {
    /// Some text is not as programs write numbers.
    is_marked: bool,
    points: Examples,
    commas: Examples,
    /// Texts such as `1,234` and `1.234`, which may have thousands or a fraction.
    unclear_comma: Option<String>,
    unclear_point: Option<String>,
    /// A number of four digits or more that is not grouped.
    has_ungrouped: bool,
    currencies: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Examples {
    count: u32,
    first: Option<String>,
}

impl Examples {
    fn add(&mut self, text: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| text.to_owned());
    }
}

/// Why nobody can tell how a column writes its numbers.
#[derive(Debug, PartialEq)]
pub(crate) enum Unclear {
    /// The text may have thousands or a fraction.
    Mark(String),
    /// The two texts have different marks.
    Marks(String, String),
    /// Amounts in two currencies.
    Currencies(String, String),
}

impl NumbersSeen {
    pub(crate) fn see(&mut self, text: &str) {
        let is_plain = fast_float2::parse::<f64, _>(text).is_ok();
        let Some(number) = Number::of(text) else { return };
        match (number.value(DecimalMark::Point), number.value(DecimalMark::Comma)) {
            (None, None) => return,
            (Some(_), None) => self.points.add(text),
            (None, Some(_)) => self.commas.add(text),
            (Some(a), Some(b)) if a.to_bits() != b.to_bits() => {
                let unclear = if a.abs() < b.abs() { &mut self.unclear_point } else { &mut self.unclear_comma };
                unclear.get_or_insert_with(|| text.to_owned());
            }
            (Some(value), Some(_)) => self.has_ungrouped |= value.abs() >= 1000.0 && !is_grouped(number.digits),
        }
        self.is_marked |= !is_plain;
        self.currencies.extend(number.currency.map(str::to_owned));
    }

    /// How the column writes its numbers. In a column of money, `1.234` alone is unclear too: programs hardly write
    /// three places there, and nothing but three.
    pub(crate) fn numbers(self, decimal: Option<DecimalMark>, is_money: bool) -> Result<Numbers, Unclear> {
        let mut currencies = self.currencies.into_iter();
        let currency = match (currencies.next(), currencies.next()) {
            (Some(one), Some(other)) => return Err(Unclear::Currencies(one, other)),
            (currency, _) => currency,
        };
        if let Some(decimal) = decimal {
            return Ok(Numbers::Marked { decimal, currency });
        }
        let rarer = self.points.count.min(self.commas.count);
        if let (Some(point), Some(comma)) = (&self.points.first, &self.commas.first)
            && f64::from(rarer) > TOLERATED * f64::from(self.points.count + self.commas.count)
        {
            return Err(Unclear::Marks(point.clone(), comma.clone()));
        }
        let is_clear = self.points.count + self.commas.count > 0;
        let unclear_point = self.unclear_point.filter(|_| is_money && !self.has_ungrouped);
        if let Some(text) = self.unclear_comma.or(unclear_point).filter(|_| !is_clear) {
            return Err(Unclear::Mark(text));
        }
        let decimal = if self.commas.count > self.points.count { DecimalMark::Comma } else { DecimalMark::Point };
        Ok(if self.is_marked { Numbers::Marked { decimal, currency } } else { Numbers::Plain })
    }
}

/// The share of texts with another decimal mark that are taken for slips: each is a bad row.
const TOLERATED: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Result<Numbers, Unclear> {
        told(texts, None, true)
    }

    fn told(texts: &[&str], decimal: Option<DecimalMark>, is_money: bool) -> Result<Numbers, Unclear> {
        let mut seen = NumbersSeen::default();
        for text in texts {
            seen.see(text);
        }
        seen.numbers(decimal, is_money)
    }

    #[test]
    fn a_columns_form_is_told_from_its_texts() {
        let cases: [(&[&str], &[f64]); 15] = [
            (&["1234.5", "-3", "1e3"], &[1234.5, -3.0, 1000.0]),
            (&["1,234.50", "12.00", "950"], &[1234.5, 12.0, 950.0]),
            (&["1.234,50", "12,00", "1.234"], &[1234.5, 12.0, 1234.0]),
            (&["1 234,50", "1 234 567,00"], &[1234.5, 1_234_567.0]),
            (&["1\u{a0}234,50", "1\u{202f}234"], &[1234.5, 1234.0]),
            (&["1'234.50", "1\u{2019}234"], &[1234.5, 1234.0]),
            (&["12,34,567.00", "1,234"], &[1_234_567.0, 1234.0]),
            (&["$1,234.50", "$ 5", "$0.99"], &[1234.5, 5.0, 0.99]),
            (&["1.234,50 €", "12 EUR", "7"], &[1234.5, 12.0, 7.0]),
            (&["USD 1,234.50", "US$5"], &[1234.5, 5.0]),
            (&["(1,234.50)", "($5.25)", "$(6)"], &[-1234.5, -5.25, -6.0]),
            (&["-$5", "$-6.5", "7-", "\u{2212}8"], &[-5.0, -6.5, -7.0, -8.0]),
            (&["1,234,567", "1,234.5"], &[1_234_567.0, 1234.5]),
            (&["12,5", ",25", "+3"], &[12.5, 0.25, 3.0]),
            (&["1.234", "1500"], &[1.234, 1500.0]),
        ];
        for (texts, values) in cases {
            let numbers = of(texts).expect("clear");
            let read: Vec<_> = texts.iter().filter_map(|text| numbers.read(text)).collect();
            assert_eq!(read, values, "{texts:?}: {numbers:?}");
        }
        assert_eq!(of(&["1.5", "2", "many", "5 seats"]), Ok(Numbers::Plain));
    }

    #[test]
    fn what_nobody_can_tell_is_refused() {
        let mark = |text: &str| Err(Unclear::Mark(text.to_owned()));
        assert_eq!(of(&["950", "1,234"]), mark("1,234"));
        assert_eq!(of(&["1.234", "950"]), mark("1.234"));
        assert_eq!(told(&["1.234", "950"], None, false), Ok(Numbers::Plain), "a measurement of three places");
        assert_eq!(of(&["1,234.50", "1.234,50"]), Err(Unclear::Marks("1,234.50".to_owned(), "1.234,50".to_owned())));
        assert_eq!(of(&["$5", "€5"]), Err(Unclear::Currencies("EUR".to_owned(), "USD".to_owned())));

        let point = told(&["1,234"], Some(DecimalMark::Point), true).expect("said");
        let comma = told(&["1,234"], Some(DecimalMark::Comma), true).expect("said");
        assert_eq!((point.read("1,234"), comma.read("1,234")), (Some(1234.0), Some(1.234)));
    }

    #[test]
    fn a_slip_is_a_bad_value_and_no_other_form() {
        let mut texts = vec!["1,234.50"; 99];
        texts.push("1.234,50");
        let numbers = of(&texts).expect("clear");
        for slip in ["1.234,50", "12,34", "1,2345.0", "1,234.5.6", "0,123", "€5", "5 seats", "1.2K", "(5", "--5", "5 %"]
        {
            assert_eq!(numbers.read(slip), None, "{slip}");
        }
        assert_eq!(Numbers::Plain.read("1,234"), None);
    }
}
