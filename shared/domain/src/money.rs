//! Amounts of money, and how they are written.

use std::fmt;
use std::str::FromStr;

use crate::thousands;

/// A currency by its ISO 4217 code.
///
/// ```
/// # use expansion_domain::{Currency, Money};
/// let euro: Currency = "EUR".parse()?;
/// assert_eq!(Money { amount: 3_200.0, currency: Some(euro) }.to_string(), "€3.2K");
/// assert_eq!(Money { amount: 3_200.0, currency: None }.to_string(), "3.2K");
/// # Ok::<(), expansion_domain::InvalidCurrency>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(&'static str);

/// The text is no currency's code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an ISO 4217 currency code such as EUR")]
pub struct InvalidCurrency(pub String);

/// The codes of ISO 4217, without those of metals, funds, bond units and tests.
const CODES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF \
                     CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF \
                     GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT \
                     LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK \
                     NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS \
                     SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV \
                     WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/// Symbols that mean one currency to everybody.
const SYMBOLS: [(&str, &str); 6] = [("USD", "$"), ("EUR", "€"), ("GBP", "£"), ("JPY", "¥"), ("INR", "₹"), ("KRW", "₩")];

impl Currency {
    /// The code: `EUR`.
    pub fn code(&self) -> &str {
        self.0
    }

    /// What stands before an amount: the symbol, or the code and a space.
    fn prefix(&self) -> (&str, &str) {
        let symbol = SYMBOLS.iter().find(|(code, _)| *code == self.code());
        symbol.map_or((self.code(), " "), |(_, symbol)| (*symbol, ""))
    }
}

impl FromStr for Currency {
    type Err = InvalidCurrency;

    fn from_str(text: &str) -> Result<Self, InvalidCurrency> {
        let code = CODES.split_ascii_whitespace().find(|code| *code == text);
        code.map(Self).ok_or_else(|| InvalidCurrency(text.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount, written as people say it: `850`, `1.2K`, `€85K`, `CHF 1.0M`; with `{:#}` in full: `€85,000`. Without a
/// currency none is made up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Money {
    /// How much.
    pub amount: f64,
    /// Of which currency, where the deployment says so.
    pub currency: Option<Currency>,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, space) = self.currency.as_ref().map_or(("", ""), Currency::prefix);
        write!(f, "{name}{space}")?;
        match self.amount {
            amount if f.alternate() => f.write_str(&thousands(amount)),
            amount if amount >= 999_500.0 => write!(f, "{:.1}M", amount / 1e6),
            amount if amount >= 9_950.0 => write!(f, "{:.0}K", amount / 1e3),
            amount if amount >= 1_000.0 => write!(f, "{:.1}K", amount / 1e3),
            amount => write!(f, "{amount:.0}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_say_them() {
        let said = |amount, currency: &str| Money { amount, currency: currency.parse().ok() }.to_string();
        let plain = [849.6, 850.0, 1_234.0, 9_951.0, 9_990.0, 85_300.0, 85_400.0, 999_600.0].map(|a| said(a, ""));
        assert_eq!(plain, ["850", "850", "1.2K", "10K", "10K", "85K", "85K", "1.0M"]);
        assert_eq!((said(850.0, "USD"), said(85_300.0, "EUR")), ("$850".to_owned(), "€85K".to_owned()));
        assert_eq!(said(1_234.0, "CHF"), "CHF 1.2K");
        let euro = "EUR".parse().ok();
        assert_eq!(format!("{:#}", Money { amount: 85_300.4, currency: euro }), "€85,300");
    }

    #[test]
    fn only_codes_of_currencies_are_taken() {
        assert!(CODES.split_ascii_whitespace().all(|code| code.parse::<Currency>().is_ok_and(|c| c.code() == code)));
        for bad in ["", "eur", "EURO", "€", "XXX", "AED AFN", " EUR"] {
            assert_eq!(bad.parse::<Currency>(), Err(InvalidCurrency(bad.to_owned())));
        }
    }
}
