//! Query strings: read into types whose fields describe themselves, with all that is wrong named at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use expansion_service::InvalidParameter;
use schemars::JsonSchema;

use crate::describe;

/// The parameters of a query string.
pub trait FromQuery: Sized {
    /// What is wrong with a parameter that isn't known.
    const UNKNOWN: &'static str = "is not a parameter of this list";

    /// Takes what is known from what is given.
    fn take(given: &mut Given) -> Self;
}

/// The parameters of a request, as far as they make sense, with the rest of what is given.
#[derive(Debug)]
pub struct Query<T> {
    /// What is asked for.
    pub asked: T,
    /// What is wrong, or not known.
    pub given: Given,
}

impl<T: FromQuery> Query<T> {
    /// Takes what is known from pairs of names and values.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut given = Given::of(pairs);
        Self { asked: T::take(&mut given), given }
    }

    fn read(query: &str) -> Self {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        Self::of(pairs)
    }

    /// What is asked for.
    ///
    /// # Errors
    /// Every parameter that is repeated, makes no sense or isn't known.
    pub fn checked(self) -> Result<T, Vec<InvalidParameter>> {
        let Self { asked, given: Given { parameters, mut wrong } } = self;
        wrong.extend(parameters.into_keys().map(|name| InvalidParameter::new(name, T::UNKNOWN)));
        if wrong.is_empty() { Ok(asked) } else { Err(wrong) }
    }
}

impl<T: FromQuery, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        describe::query_parameters::<T>(operation);
    }
}

/// The parameters of a route that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
pub struct Nothing {}

impl FromQuery for Nothing {
    const UNKNOWN: &'static str = "this list takes no parameters";

    fn take(_: &mut Given) -> Self {
        Self {}
    }
}

/// What a query string gives, and what is wrong with it so far.
#[derive(Debug)]
pub struct Given {
    parameters: BTreeMap<String, String>,
    wrong: Vec<InvalidParameter>,
}

impl Given {
    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut given = Self { parameters: BTreeMap::new(), wrong: Vec::new() };
        for (name, value) in pairs {
            if given.has(&name) {
                given.refuse(&name, "is given more than once");
            } else {
                given.parameters.insert(name, value);
            }
        }
        given
    }

    /// Whether a parameter is given.
    pub fn has(&self, name: &str) -> bool {
        self.parameters.contains_key(name)
    }

    /// A parameter as it is.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// A whole number within bounds.
    pub fn number<T: FromStr + PartialOrd + Display>(&mut self, name: &str, bounds: RangeInclusive<T>) -> Option<T> {
        let reason = format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        self.parsed(name, &reason, |text| text.parse().ok().filter(|number| bounds.contains(number)))
    }

    /// A parameter that must parse.
    pub fn parsed<T>(&mut self, name: &str, reason: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.refuse(name, reason);
        }
        parsed
    }

    /// Says what is wrong with a parameter.
    pub fn refuse(&mut self, name: &str, reason: &str) {
        self.wrong.push(InvalidParameter::new(name, reason));
    }

    /// Says what else is wrong.
    pub fn refuse_all(&mut self, wrong: impl IntoIterator<Item = InvalidParameter>) {
        self.wrong.extend(wrong);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Wanted {
        size: Option<u8>,
        colour: Option<String>,
    }

    impl FromQuery for Wanted {
        fn take(given: &mut Given) -> Self {
            Self { size: given.number("size", 1..=20), colour: given.text("colour") }
        }
    }

    fn read<T: FromQuery>(query: &str) -> Result<T, Vec<(String, String)>> {
        let wrong = |wrong: InvalidParameter| (wrong.name, wrong.reason);
        Query::read(query).checked().map_err(|all| all.into_iter().map(wrong).collect())
    }

    #[test]
    fn values_are_decoded() {
        let wanted = read("colour=dark+blue%20%26%20red&size=20");
        assert_eq!(wanted, Ok(Wanted { size: Some(20), colour: Some("dark blue & red".to_owned()) }));
        assert_eq!(read(""), Ok(Wanted { size: None, colour: None }));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let wrong = read::<Wanted>("shape=round&colour=red&size=21&colour=blue").expect_err("most of it is wrong");
        let expected = [
            ("colour", "is given more than once"),
            ("size", "must be a whole number from 1 to 20"),
            ("shape", "is not a parameter of this list"),
        ];
        assert_eq!(wrong, expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
        assert!(read::<Nothing>("a=1").is_err() && read::<Nothing>("").is_ok());
    }
}
