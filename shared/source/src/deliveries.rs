//! Facts without an id that several files deliver.
//!
//! Loads overlap: a file may tell again what another one told. What files tell alike is one fact, as often as it stands
//! in the file that has it most often; within one file equal rows are facts of their own.

use std::cmp::Ordering;

use expansion_domain::{Id, Instant, Reading};

/// From which file on the last facts of a list are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delivery {
    file: u32,
    start: usize,
}

/// What the files of a table told more than once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overlap {
    /// Facts told again, and when the first of them was.
    pub(crate) repeated: Told,
    /// Readings that a later file told with another value.
    pub(crate) replaced: Told,
}

/// How often something was told, with the earliest file and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    pub(crate) count: u64,
    pub(crate) first: Option<(u32, Instant)>,
}

impl Told {
    fn add(&mut self, count: usize, file: u32, at: Instant) {
        if count > 0 {
            self.count += count as u64;
            let first = self.first.get_or_insert((file, at));
            *first = (*first).min((file, at));
        }
    }
}

/// A fact that is known by what it says alone.
pub(crate) trait Plain: Clone {
    /// When it happened.
    fn at(&self) -> Instant;
    /// The order of all that it says, the time first.
    fn order(&self, other: &Self) -> Ordering;
}

impl Plain for Reading {
    fn at(&self) -> Instant {
        self.at
    }
    fn order(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at).then(self.value.total_cmp(&other.value))
    }
}

impl Plain for expansion_domain::Signal {
    fn at(&self) -> Instant {
        self.detected_at
    }
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl Plain for expansion_domain::Engagement {
    fn at(&self) -> Instant {
        self.occurred_at
    }
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl Delivery {
    /// Tells that the next facts of `list` are from `file`, which comes after all files before.
    pub(crate) fn begin<T: Plain>(&mut self, file: u32, list: &mut Vec<T>, overlap: &mut Overlap) {
        if self.file != file {
            self.settle(list, overlap, keep_most_often);
            *self = Self { file, start: list.len() };
        }
    }

    /// Like [`begin`](Self::begin), for readings: of a time that several files tell, the last file's value counts.
    pub(crate) fn begin_readings(&mut self, file: u32, list: &mut Vec<Reading>, overlap: &mut Overlap) {
        if self.file != file {
            self.settle(list, overlap, keep_last_value);
            *self = Self { file, start: list.len() };
        }
    }

    /// Tells that no more facts come.
    pub(crate) fn end<T: Plain>(&mut self, list: &mut Vec<T>, overlap: &mut Overlap) {
        self.settle(list, overlap, keep_most_often);
        list.shrink_to_fit();
    }

    /// Like [`end`](Self::end), for readings.
    pub(crate) fn end_readings(&mut self, list: &mut Vec<Reading>, overlap: &mut Overlap) {
        self.settle(list, overlap, keep_last_value);
        list.shrink_to_fit();
    }

    /// Joins the facts of the last file to those before, which are in order.
    fn settle<T: Plain>(&self, list: &mut Vec<T>, overlap: &mut Overlap, join: Join<T>) {
        let (earlier, latest) = list.split_at_mut(self.start);
        // Exports are mostly in time order already.
        if !latest.is_sorted_by(|a, b| a.order(b).is_le()) {
            latest.sort_unstable_by(T::order);
        }
        let (Some(newest), Some(first)) = (earlier.last(), latest.first()) else { return };
        if newest.at() < first.at() {
            return;
        }
        // What lies before the latest file's facts stays as it is.
        let untouched = earlier.partition_point(|fact| fact.at() < first.at());
        let latest = list.split_off(self.start);
        let earlier = list.split_off(untouched);
        let (mut earlier, mut latest) = (&earlier[..], &latest[..]);
        while let Some(at) = [earlier.first(), latest.first()].into_iter().flatten().map(T::at).min() {
            let of_time = |facts: &[T]| facts.iter().take_while(|fact| fact.at() == at).count();
            let (known, earlier_rest) = earlier.split_at(of_time(earlier));
            let (told, latest_rest) = latest.split_at(of_time(latest));
            (earlier, latest) = (earlier_rest, latest_rest);
            if known.is_empty() || told.is_empty() {
                list.extend_from_slice(known);
                list.extend_from_slice(told);
            } else {
                let counts = join(known, told, list);
                overlap.repeated.add(counts.repeated, self.file, at);
                overlap.replaced.add(counts.replaced, self.file, at);
            }
        }
    }
}

/// Adds to a list what counts of the facts of one time that earlier files know and the latest one tells.
type Join<T> = fn(known: &[T], told: &[T], list: &mut Vec<T>) -> Joined;

struct Joined {
    repeated: usize,
    replaced: usize,
}

/// Each fact as often as one of both sides has it.
fn keep_most_often<T: Plain>(mut known: &[T], mut told: &[T], list: &mut Vec<T>) -> Joined {
    let mut repeated = 0;
    while let (Some(ours), Some(theirs)) = (known.first(), told.first()) {
        let order = ours.order(theirs);
        repeated += usize::from(order.is_eq());
        list.push(if order.is_le() { ours.clone() } else { theirs.clone() });
        known = &known[usize::from(order.is_le())..];
        told = &told[usize::from(order.is_ge())..];
    }
    list.extend_from_slice(known);
    list.extend_from_slice(told);
    Joined { repeated, replaced: 0 }
}

/// The same, but where both sides have no value in common the one told later counts alone.
fn keep_last_value(known: &[Reading], told: &[Reading], list: &mut Vec<Reading>) -> Joined {
    let begin = list.len();
    let joined = keep_most_often(known, told, list);
    if joined.repeated > 0 {
        return joined;
    }
    list.truncate(begin);
    list.extend_from_slice(told);
    Joined { repeated: 0, replaced: known.len() }
}

/// Equal facts that stand in a sorted list more than once, beyond the first of each; and the time of the first.
pub(crate) fn equal_facts<T: Plain>(list: &[T]) -> (u64, Option<Instant>) {
    let mut equal = list.windows(2).filter(|pair| pair[0].order(&pair[1]).is_eq()).map(|pair| pair[0].at());
    let first = equal.next();
    (u64::from(first.is_some()) + equal.count() as u64, first)
}

/// Adds up the readings of one time, as of one row an event; counts those that were added to another.
pub(crate) fn add_up(readings: &mut Vec<Reading>) -> (u64, Option<Instant>) {
    let before = readings.len();
    let mut first = None;
    readings.dedup_by(|later, kept| {
        let is_same = later.at == kept.at;
        if is_same {
            kept.value += later.value;
            first.get_or_insert(kept.at);
        }
        is_same
    });
    ((before - readings.len()) as u64, first)
}

/// Makes the first customer's case the example.
pub(crate) fn example(id: &Id, at: Instant) -> String {
    format!("{id} at {at}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(day: i32, value: f64) -> Reading {
        Reading { at: Instant::EPOCH.plus_days(day), value }
    }

    /// The facts that count of several files, and what they told more than once.
    fn joined(files: &[Vec<Reading>]) -> (Vec<Reading>, Overlap) {
        let (mut list, mut overlap, mut delivery) = (Vec::new(), Overlap::default(), Delivery::default());
        for (file, facts) in (0..).zip(files) {
            delivery.begin_readings(file, &mut list, &mut overlap);
            list.extend_from_slice(facts);
        }
        delivery.end_readings(&mut list, &mut overlap);
        (list, overlap)
    }

    #[test]
    fn equal_rows_of_different_files_count_once_and_those_of_one_file_each() {
        let two_logins = vec![reading(1, 1.0), reading(1, 1.0), reading(2, 5.0)];
        let three_logins = vec![reading(2, 5.0), reading(1, 1.0), reading(1, 1.0), reading(1, 1.0), reading(3, 7.0)];
        let expected = vec![reading(1, 1.0), reading(1, 1.0), reading(1, 1.0), reading(2, 5.0), reading(3, 7.0)];
        for files in [[two_logins.clone(), three_logins.clone()], [three_logins, two_logins]] {
            let (list, overlap) = joined(&files);
            assert_eq!(list, expected);
            assert_eq!(overlap.repeated, Told { count: 3, first: Some((1, Instant::EPOCH.plus_days(1))) });
            assert_eq!(overlap.replaced.count, 0);
        }
    }

    #[test]
    fn a_later_file_tells_a_value_anew() {
        let (list, overlap) =
            joined(&[vec![reading(1, 10.0), reading(2, 3.0)], vec![reading(2, 12.0), reading(3, 1.0)]]);
        assert_eq!(list, [reading(1, 10.0), reading(2, 12.0), reading(3, 1.0)]);
        assert_eq!((overlap.repeated.count, overlap.replaced.count), (0, 1));
    }

    #[test]
    fn readings_of_one_time_are_added_up() {
        let mut readings = vec![reading(1, 1.0), reading(1, 1.0), reading(1, 1.0), reading(2, 4.0)];
        assert_eq!(add_up(&mut readings), (2, Some(Instant::EPOCH.plus_days(1))));
        assert_eq!(readings, [reading(1, 3.0), reading(2, 4.0)]);
    }

    proptest! {
        #[test]
        fn delivering_everything_again_changes_nothing(
            files in prop::collection::vec(prop::collection::vec((0..6, 0..3_u8), 0..12), 1..4),
            twice in 0..4_usize,
        ) {
            let files: Vec<Vec<Reading>> = files
                .into_iter()
                .map(|file| file.into_iter().map(|(day, value)| reading(day, value.into())).collect())
                .collect();
            let (once, _) = joined(&files);
            // The last file again, or all of them in one.
            let mut again = files.clone();
            again.push(if twice == 0 { once.clone() } else { files[files.len() - 1].clone() });
            let (told_again, overlap) = joined(&again);
            prop_assert_eq!(&told_again, &once);
            prop_assert!(overlap.repeated.count >= again[again.len() - 1].len() as u64);
        }
    }
}
