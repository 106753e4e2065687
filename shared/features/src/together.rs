//! Features that cannot change alone, because others say the same in another way.

use crate::spec::feature;
use crate::{FEATURES, Snapshot, Value};

/// Three features, each of which the other two say: `share = part / whole`.
struct Ratio {
    share: &'static str,
    part: &'static str,
    whole: &'static str,
}

/// All of them: what `extract` computes from the same numbers. (Others are only near each other: a peak is no less than the
/// mean, but says nothing about it.)
const RATIOS: [Ratio; 1] = [Ratio { share: "seat_utilisation", part: "active_seats", whole: "entitled_seats" }];

/// Shares and counts are spoken of rounded, so values that contradict each other by no more than this share agree.
const ROUNDING: f64 = 0.01;

/// A changed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Position in [`FEATURES`].
    pub feature: usize,
    /// The changed value.
    pub to: Value,
    /// The feature that moves this one along; absent where the change is wanted itself.
    pub with: Option<usize>,
}

/// Two wanted values that cannot both be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contradiction {
    /// The feature whose value does not fit the others.
    pub feature: usize,
    /// The value that would.
    pub fits: Option<f64>,
}

/// Wanted changes of a customer's values (positions in [`FEATURES`]), each followed by what moves along: the seats in use
/// with their share, and the other way round; with other seats under contract, the share.
///
/// # Errors
/// [`Contradiction`] where all are wanted that could move, and don't fit.
pub fn moved_together(snapshot: &Snapshot, wanted: &[(usize, Value)]) -> Result<Vec<Moved>, Contradiction> {
    let mut moved: Vec<Moved> =
        wanted.iter().map(|(feature, to)| Moved { feature: *feature, to: to.clone(), with: None }).collect();
    for Ratio { share, part, whole } in &RATIOS {
        let [Some(share), Some(part), Some(whole)] = [share, part, whole].map(|name| feature(name).map(|(at, _)| at))
        else {
            continue;
        };
        let wanted_at = |feature: usize| wanted.iter().position(|(of, _)| *of == feature);
        let number = |feature: usize| {
            let wanted = wanted_at(feature).map(|at| &wanted[at].1);
            wanted.unwrap_or(&snapshot.values[feature]).as_number()
        };
        let product = || Some(number(share)? * number(whole)?);
        let quotient = || Some(number(part)? / number(whole).filter(|whole| *whole > 0.0)?);
        let (leader, follower, value) = match (wanted_at(share), wanted_at(part), wanted_at(whole)) {
            (None, None, None) => continue,
            (Some(_), Some(_), _) => {
                let (wanted, fits) = (number(part), product());
                let agree = match wanted.zip(fits) {
                    Some((wanted, fits)) => {
                        (wanted - fits).abs() <= 0.5 + ROUNDING * number(whole).unwrap_or_default().abs()
                    }
                    // Nothing to hold them against, unless only one of them is not known.
                    None => number(whole).is_none() || number(share).is_none() == number(part).is_none(),
                };
                if agree {
                    continue;
                }
                return Err(Contradiction { feature: part, fits });
            }
            (Some(at), None, _) => (at, part, product()),
            (None, Some(at), _) | (None, None, Some(at)) => (at, share, quotient()),
        };
        let to = Value::from(value);
        if to != snapshot.values[follower] {
            moved.insert(leader + 1, Moved { feature: follower, to, with: Some(wanted[leader].0) });
        }
    }
    Ok(moved)
}

/// Whether two features are parts of one ratio, so that one moves the other.
pub fn is_moved_by(one: usize, other: usize) -> bool {
    let both = [one, other].map(|feature| FEATURES[feature].name);
    one != other && RATIOS.iter().any(|ratio| both.iter().all(|name| [ratio.share, ratio.part].contains(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &str) -> usize {
        feature(name).expect("a feature").0
    }

    fn snapshot(seats: [Option<f64>; 3]) -> Snapshot {
        let mut values = vec![Value::Missing; FEATURES.len()];
        for (name, value) in ["seat_utilisation", "active_seats", "entitled_seats"].into_iter().zip(seats) {
            values[at(name)] = Value::from(value);
        }
        Snapshot { values }
    }

    /// What moves along, of a customer who uses 40 of 50 seats.
    fn along(wanted: &[(&str, Option<f64>)]) -> Result<Vec<(&'static str, Value)>, Contradiction> {
        let wanted: Vec<(usize, Value)> = wanted.iter().map(|(name, value)| (at(name), Value::from(*value))).collect();
        let moved = moved_together(&snapshot([Some(0.8), Some(40.0), Some(50.0)]), &wanted)?;
        let along = moved.into_iter().filter(|moved| moved.with.is_some());
        Ok(along.map(|moved| (FEATURES[moved.feature].name, moved.to)).collect())
    }

    #[test]
    fn seats_in_use_and_their_share_move_together() {
        let number = Value::Number;
        assert_eq!(along(&[("seat_utilisation", Some(0.9))]), Ok(vec![("active_seats", number(45.0))]));
        assert_eq!(along(&[("active_seats", Some(50.0))]), Ok(vec![("seat_utilisation", number(1.0))]));
        assert_eq!(along(&[("entitled_seats", Some(80.0))]), Ok(vec![("seat_utilisation", number(0.5))]));
        let both = [("entitled_seats", Some(100.0)), ("seat_utilisation", Some(0.9))];
        assert_eq!(along(&both), Ok(vec![("active_seats", number(90.0))]));
        assert_eq!(along(&[("health_score", Some(90.0))]), Ok(vec![]));
    }

    #[test]
    fn what_becomes_unknown_takes_the_other_with_it() {
        assert_eq!(along(&[("active_seats", None)]), Ok(vec![("seat_utilisation", Value::Missing)]));
        assert_eq!(along(&[("seat_utilisation", None)]), Ok(vec![("active_seats", Value::Missing)]));
        let unknown = moved_together(&snapshot([None, None, None]), &[(at("entitled_seats"), Value::Number(5.0))]);
        assert_eq!(unknown.expect("no contradiction").len(), 1, "nothing to move");
    }

    #[test]
    fn values_that_contradict_each_other_are_found() {
        let refused = along(&[("active_seats", Some(20.0)), ("seat_utilisation", Some(0.9))]);
        assert_eq!(refused, Err(Contradiction { feature: at("active_seats"), fits: Some(45.0) }));
        let half_known = along(&[("active_seats", None), ("seat_utilisation", Some(0.9))]);
        assert_eq!(half_known, Err(Contradiction { feature: at("active_seats"), fits: Some(45.0) }));
        assert_eq!(along(&[("active_seats", Some(45.0)), ("seat_utilisation", Some(0.9))]), Ok(vec![]));
    }
}
