//! How a customer stands: whether to approach them, and how they compare with those who stand alike.

use std::collections::BTreeMap;
use std::str::FromStr;

use expansion_domain::{Id, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fewer customers of one standing and segment are no average: those of the standing are taken.
const LEAST_COMPARABLE: u64 = 100;

/// Whether to approach a customer about an expansion. Every customer has exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody works on an expansion, and nothing speaks against asking.
    #[default]
    ReadyToApproach,
    /// An open deal that is not stale.
    InProgress,
    /// Nobody works on an expansion, and something speaks against asking now.
    LeaveAlone,
}

impl Standing {
    /// Every standing, those to approach first.
    pub const ALL: [Self; 3] = [Self::ReadyToApproach, Self::InProgress, Self::LeaveAlone];

    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadyToApproach => "ready_to_approach",
            Self::InProgress => "in_progress",
            Self::LeaveAlone => "leave_alone",
        }
    }

    /// In words, as a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ReadyToApproach => "Ready to approach",
            Self::InProgress => "In progress",
            Self::LeaveAlone => "Leave alone",
        }
    }

    /// The standing of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }
}

/// Where a customer's propensity lies among the customers of the same standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Grade {
    /// The rest.
    D,
    /// The next 30 %, unless configured otherwise.
    C,
    /// The next 20 %, unless configured otherwise.
    B,
    /// The best 10 %, unless configured otherwise.
    A,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// The grade's letter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }
}

/// The text names no grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be A, B, C or D")]
pub struct UnknownGrade;

impl FromStr for Grade {
    type Err = UnknownGrade;

    /// A grade by its letter, in either case.
    fn from_str(text: &str) -> Result<Self, UnknownGrade> {
        Self::ALL.into_iter().find(|grade| grade.name().eq_ignore_ascii_case(text)).ok_or(UnknownGrade)
    }
}

/// Which shares of a standing's customers have the grades A, B and C; D has the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradeShares {
    /// The share of A, 0–1.
    pub a: f64,
    /// The share of B, 0–1.
    pub b: f64,
    /// The share of C, 0–1.
    pub c: f64,
}

impl Default for GradeShares {
    fn default() -> Self {
        Self { a: 0.1, b: 0.2, c: 0.3 }
    }
}

/// The text names no shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the shares of A, B and C in percent, such as 10,20,30, together at most 100")]
pub struct InvalidShares;

impl FromStr for GradeShares {
    type Err = InvalidShares;

    /// Three percentages with commas between them.
    fn from_str(text: &str) -> Result<Self, InvalidShares> {
        let percentages = text.split(',').map(|share| share.trim().parse::<f64>().ok());
        let shares: Vec<f64> = percentages.collect::<Option<_>>().ok_or(InvalidShares)?;
        let [a, b, c] = *shares.as_slice() else { return Err(InvalidShares) };
        let is_share = [a, b, c].iter().all(|share| (0.0..=100.0).contains(share)) && a + b + c <= 100.0;
        if is_share { Ok(Self { a: a / 100.0, b: b / 100.0, c: c / 100.0 }) } else { Err(InvalidShares) }
    }
}

/// The customers that one is compared with, and how likely they are to expand on average.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparable {
    /// Their mean propensity, 0–1.
    pub average: f64,
    /// How many there are.
    pub customers: u64,
    /// The segment that they share beside the standing; `null` where all of the standing are meant.
    pub segment: Option<Id>,
}

/// What the customers of a run are compared with: made of all of them before the first is scored, so that every shard
/// compares alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Yardstick(BTreeMap<Standing, Peers>);

/// The customers of one standing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Peers {
    all: Average,
    segments: BTreeMap<Id, Average>,
    /// The least propensities of the grades A, B and C.
    least: [f64; 3],
}

/// The mean propensity of some customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Average {
    customers: u64,
    propensity: f64,
}

impl Average {
    fn add(&mut self, propensity: f64) {
        self.customers += 1;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 customers")]
        let customers = self.customers as f64;
        self.propensity += (propensity - self.propensity) / customers;
    }
}

impl Yardstick {
    /// What customers of these standings, segments and propensities are compared with.
    pub fn of(customers: impl IntoIterator<Item = (Standing, Option<Id>, f64)>, shares: GradeShares) -> Self {
        let mut peers: BTreeMap<Standing, (Peers, Vec<f64>)> = BTreeMap::new();
        for (standing, segment, propensity) in customers {
            let (peers, propensities) = peers.entry(standing).or_default();
            peers.all.add(propensity);
            if let Some(segment) = segment {
                peers.segments.entry(segment).or_default().add(propensity);
            }
            propensities.push(propensity);
        }
        let graded = |(standing, (mut peers, mut propensities)): (Standing, (Peers, Vec<f64>))| {
            // A plan must fit into an item, and there may be as many segments as customers.
            peers.segments.retain(|_, average| average.customers >= LEAST_COMPARABLE);
            propensities.sort_unstable_by(|a, b| b.total_cmp(a));
            let least = [shares.a, shares.a + shares.b, shares.a + shares.b + shares.c]
                .map(|share| least_of_best(&propensities, share));
            (standing, Peers { least, ..peers })
        };
        Self(peers.into_iter().map(graded).collect())
    }

    /// The customers that one of this standing and segment is compared with; `None` where there are none.
    pub fn comparable(&self, standing: Standing, segment: Option<&Id>) -> Option<Comparable> {
        let peers = self.0.get(&standing)?;
        let own = segment.and_then(|segment| peers.segments.get_key_value(segment));
        let own = own.filter(|(_, average)| average.customers >= LEAST_COMPARABLE);
        let (segment, average) = own.map_or((None, peers.all), |(segment, average)| (Some(segment.clone()), *average));
        Some(Comparable { average: average.propensity, customers: average.customers, segment })
    }

    /// The grade of a customer of this standing and propensity.
    pub fn grade(&self, standing: Standing, propensity: f64) -> Option<Grade> {
        let least = self.0.get(&standing)?.least;
        let reached = Grade::ALL.into_iter().zip(least).find(|(_, least)| propensity >= *least);
        Some(reached.map_or(Grade::D, |(grade, _)| grade))
    }
}

/// The least of the best share of propensities in descending order; above all of them where that share is of none.
fn least_of_best(descending: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let best = (share * count(descending.len())).round() as usize;
    best.checked_sub(1).and_then(|last| descending.get(last)).copied().unwrap_or(2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yardstick() -> Yardstick {
        let customers = (0..100_u32).map(|i| (Standing::ReadyToApproach, Some("SMB".into()), f64::from(i) / 1000.0));
        let few = (0..10_u32).map(|_| (Standing::ReadyToApproach, Some("Enterprise".into()), 0.5));
        Yardstick::of(customers.chain(few), GradeShares::default())
    }

    #[test]
    fn those_of_a_segment_are_compared_with_each_other_where_they_are_enough() {
        let comparable = |segment: Option<&str>| {
            yardstick().comparable(Standing::ReadyToApproach, segment.map(Id::from).as_ref()).expect("there are some")
        };
        let smb = comparable(Some("SMB"));
        assert_eq!((smb.customers, smb.segment.as_deref()), (100, Some("SMB")));
        assert!((smb.average - 0.0495).abs() < 1e-12);
        for segment in [Some("Enterprise"), Some("unknown"), None] {
            let all = comparable(segment);
            assert_eq!((all.customers, all.segment), (110, None));
            assert!((all.average - (4.95 + 5.0) / 110.0).abs() < 1e-12);
        }
        assert_eq!(yardstick().comparable(Standing::InProgress, None), None);
        let stored = serde_json::to_string(&yardstick()).expect("it is JSON");
        assert!(stored.contains("SMB") && !stored.contains("Enterprise"), "{stored}");
    }

    #[test]
    fn grades_are_shares_of_a_standing() {
        let all = yardstick();
        let mut counts = BTreeMap::new();
        for propensity in (0..100).map(|i| f64::from(i) / 1000.0).chain([0.5; 10]) {
            *counts.entry(all.grade(Standing::ReadyToApproach, propensity).expect("it has one")).or_insert(0) += 1;
        }
        // Those alike share the better grade.
        assert_eq!(counts, BTreeMap::from([(Grade::A, 11), (Grade::B, 22), (Grade::C, 33), (Grade::D, 44)]));
        let none: GradeShares = "0, 0, 0".parse().expect("shares");
        let all = Yardstick::of([(Standing::LeaveAlone, None, 0.9)], none);
        assert_eq!(all.grade(Standing::LeaveAlone, 0.9), Some(Grade::D));
    }

    #[test]
    fn shares_are_three_percentages() {
        assert_eq!("10,20,30".parse(), Ok(GradeShares::default()));
        for wrong in ["", "10,20", "10,20,30,40", "60,30,20", "-1,2,3", "a,b,c", "nan,1,1"] {
            assert_eq!(wrong.parse::<GradeShares>(), Err(InvalidShares), "{wrong}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for standing in Standing::ALL {
            assert_eq!(Standing::named(standing.name()), Some(standing));
            assert_eq!(serde_json::to_value(standing).expect("a name"), standing.name());
        }
        assert_eq!(" a".parse::<Grade>(), Err(UnknownGrade));
        assert_eq!("a".parse(), Ok(Grade::A));
        assert!(Grade::A > Grade::B && Grade::C > Grade::D);
    }
}
