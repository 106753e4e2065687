//! Which moves a question is about: those of which accounts, up or down, of how many points.
//!
//! | Words | Meaning |
//! |---|---|
//! | `rose`, `gained`, `went up` | moves up only |
//! | `dropped`, `lost`, `went down` | moves down only |
//! | `more than 10 points`, `by at least 5` | moves of 11, or 5, points or more |
//! | `above 70` | as in a list of accounts: the score is from 71 on now |
//! | anything else but what says that something moved | as in a list of accounts |

use crate::wanted::{Bound, On, Wanted, bound, wanted};
use crate::words::{Word, number};

/// Which moves are asked about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// Those of these accounts.
    pub wanted: Wanted,
    /// Only this way; both ways where nothing, or both, was said.
    pub way: Option<Way>,
    /// The least points moved by.
    pub min_points: Option<u32>,
}

/// Which way a score moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

impl Way {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

#[rustfmt::skip]
const UP: &[&str] = &[
    "up", "rise", "rises", "rising", "risen", "rose", "risers", "climb", "climbs", "climbing", "climbed", "climbers",
    "improve", "improving", "improved", "gain", "gains", "gaining", "gained", "gainers", "increase", "increased",
    "grew", "grown", "better", "winners",
];
#[rustfmt::skip]
const DOWN: &[&str] = &[
    "down", "drop", "drops", "dropping", "dropped", "fall", "falls", "falling", "fallen", "fell", "fallers",
    "decline", "declining", "declined", "slip", "slipping", "slipped", "lose", "losing", "lost", "losers",
    "decrease", "decreased", "worse",
];
/// Words that say only that something moved, and since when: what is stored is the move since the run before.
#[rustfmt::skip]
const MOVED: &[&str] = &[
    "change", "changed", "changes", "changing", "move", "moved", "moves", "moving", "mover", "movers", "trend",
    "trends", "trending", "new", "different", "anything", "happened", "happening", "biggest", "largest", "worst",
    "since", "last", "previous", "past", "before", "yesterday", "versus", "vs", "against", "compared",
    "comparison", "run", "refresh", "time", "over", "during", "by", "go", "goes", "going", "gone", "went", "did",
    "been",
];

/// The moves that the words are about.
pub(crate) fn moves(words: &[Word]) -> Moves {
    let (mut ways, mut min_points) = (Vec::new(), None);
    let wanted = wanted(words, |words| {
        if let Some((least, taken)) = points(words) {
            min_points = Some(least);
            return Some(taken);
        }
        let (word, after) = words.split_first()?;
        let ways_of = [(Way::Up, UP), (Way::Down, DOWN)];
        if let Some((way, _)) = ways_of.into_iter().find(|(_, words)| word.is_one_of(words)) {
            ways.push(way);
            // "gained more than 10", but "rose above 70" is where it is now.
            let is_amount = after.first().is_some_and(|word| word.is_one_of(&["more", "at"]));
            if let (true, Some(Bound { on: On::Score(least), taken, .. })) = (is_amount, bound(after)) {
                min_points = Some(least);
                return Some(1 + taken);
            }
            return Some(1);
        }
        (word.is_one_of(MOVED) && bound(words).is_none()).then_some(1)
    });
    let way = ways.first().copied().filter(|first| ways.iter().all(|way| way == first));
    Moves { wanted, way, min_points }
}

/// The points that the words begin with, and how many words say so: `more than 10 points`, `10 points`, `by 5`.
fn points(words: &[Word]) -> Option<(u32, usize)> {
    let by = usize::from(words.first()?.low == "by");
    let words = &words[by..];
    let is_points = |word: &Word| word.low.starts_with("point");
    if let Some(Bound { on: On::Score(least), taken, .. }) = bound(words) {
        return (by > 0 || is_points(&words[taken - 1])).then_some((least, by + taken));
    }
    let least = number(&words.first()?.low)?;
    let counted = usize::from(words.get(1).is_some_and(is_points));
    (by + counted > 0).then_some((least, by + 1 + counted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Whose, words};

    fn asked(text: &str) -> Moves {
        moves(&words(text))
    }

    #[test]
    fn what_says_only_that_something_moved_narrows_nothing() {
        for text in [
            "What changed since last week?",
            "what's new",
            "Biggest movers",
            "What has changed over the last week?",
            "Which accounts moved most since the last run",
            "What went up and what went down?",
        ] {
            assert_eq!(asked(text), Moves::default(), "{text}");
        }
    }

    #[test]
    fn every_other_word_narrows_or_is_handed_on() {
        let enterprise = asked("Which Enterprise accounts dropped since last week?");
        assert_eq!((enterprise.way, enterprise.wanted.phrases), (Some(Way::Down), vec!["Enterprise".to_owned()]));
        let smb = asked("What changed in SMB since last week?");
        assert_eq!((smb.way, smb.wanted.phrases), (None, vec!["SMB".to_owned()]));
        let martian = asked("Which Martian accounts rose?");
        assert_eq!((martian.way, martian.wanted.phrases), (Some(Way::Up), vec!["Martian".to_owned()]));
        let mine = asked("Which 3 of my high-confidence accounts above 70 went up?");
        assert_eq!((mine.way, mine.min_points), (Some(Way::Up), None));
        assert_eq!((mine.wanted.whose, mine.wanted.count), (Some(Whose::Mine), Some(3)));
        assert_eq!((mine.wanted.min_score, mine.wanted.confidence.is_some()), (Some(71), true));
        assert!(mine.wanted.phrases.is_empty());
    }

    #[test]
    fn points_are_of_the_move_and_bounds_of_the_score() {
        for (text, way, points) in [
            ("Which accounts gained more than 10 points?", Some(Way::Up), 11),
            ("Which accounts gained more than 10?", Some(Way::Up), 11),
            ("Which accounts lost at least 5 points", Some(Way::Down), 5),
            ("accounts that dropped by 5", Some(Way::Down), 5),
            ("Which accounts moved by at least 5", None, 5),
            ("which accounts rose 10 points", Some(Way::Up), 10),
        ] {
            let asked = asked(text);
            assert_eq!((asked.way, asked.min_points), (way, Some(points)), "{text}");
            assert_eq!((asked.wanted.min_score, asked.wanted.count), (None, None), "{text}");
        }
        let above = asked("Which accounts rose above 70?");
        assert_eq!((above.way, above.min_points, above.wanted.min_score), (Some(Way::Up), None, Some(71)));
    }
}
