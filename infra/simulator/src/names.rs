//! Invented names of companies, public bodies and people.

use rand::{Rng, RngExt};

#[rustfmt::skip]
const FIRST_PARTS: [&str; 40] = [
    "Tech", "Bright", "North", "Blue", "Silver", "Quant", "Green", "Clear", "Iron", "Summit",
    "Harbor", "Nova", "Cedar", "Lumen", "Polar", "River", "Stone", "Vector", "Amber", "Copper",
    "Delta", "Ever", "Falcon", "Granite", "Helio", "Juniper", "Kestrel", "Linden", "Meridian", "Nimbus",
    "Orchard", "Pioneer", "Quarry", "Raven", "Sable", "Tidal", "Umber", "Willow", "Zenith", "Aspen",
];

#[rustfmt::skip]
const SECOND_PARTS: [&str; 40] = [
    "Flow", "Works", "Bridge", "Path", "Forge", "Point", "Field", "Wave", "Loop", "Stack",
    "Craft", "Line", "Port", "Gate", "Mark", "Peak", "Grid", "Link", "Base", "Spring",
    "Mill", "Yard", "Core", "Trail", "Light", "House", "Cove", "Ridge", "Hill", "Dale",
    "Crest", "Shore", "Vale", "Brook", "Span", "Tower", "Dock", "Pulse", "Frame", "Wright",
];

const SUFFIXES: [&str; 8] = ["Inc", "Ltd", "Group", "Labs", "GmbH", "Partners", "Systems", "Co"];

#[rustfmt::skip]
const PLACES: [&str; 30] = [
    "Riverton", "Ashford", "Marlow", "Eastbrook", "Kingsvale", "Larkfield", "Norwood", "Oakhaven", "Pinecrest", "Stonebridge",
    "Westmere", "Fairview", "Glenmoor", "Hartwell", "Ironbridge", "Lakemont", "Millbrook", "Newhaven", "Redcliff", "Southgate",
    "Thornbury", "Ulverton", "Waverley", "Yarrow", "Brackley", "Coldwater", "Dunmore", "Elmstead", "Foxhall", "Greystone",
];

#[rustfmt::skip]
const OFFICES: [&str; 12] = [
    "City Council", "County Council", "School District", "Department of Transport", "Health Authority", "State University",
    "Water Board", "Public Library", "Port Authority", "Housing Office", "Police Department", "Community College",
];

#[rustfmt::skip]
const GIVEN_NAMES: [&str; 32] = [
    "Amara", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko",
    "Liam", "Maria", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Samir", "Tara", "Ulrich", "Vera",
    "Wei", "Ximena", "Yusuf", "Zoe", "Anton", "Bianca", "Chen", "Dalia", "Emil", "Fiona",
];

#[rustfmt::skip]
const FAMILY_NAMES: [&str; 32] = [
    "Adler", "Bauer", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jensen",
    "Kowalski", "Larsen", "Moreau", "Novak", "Okafor", "Patel", "Quinn", "Rossi", "Silva", "Tanaka",
    "Ueda", "Vargas", "Weber", "Xu", "Yilmaz", "Zhang", "Anand", "Brandt", "Castillo", "Diaz",
    "Eriksson", "Farah",
];

/// Steps through the pairs of two word lists in an order that looks unordered; prime to the sizes of both products of lists.
const STRIDE: usize = 1_009;

/// Hands out names that never repeat.
#[derive(Default)]
pub(crate) struct Namer {
    companies: usize,
    public_bodies: usize,
}

impl Namer {
    /// The next company, such as `TechFlow Inc`.
    pub(crate) fn company(&mut self, rng: &mut impl Rng) -> String {
        let (first, second, round) = pair(self.companies, &FIRST_PARTS, &SECOND_PARTS);
        self.companies += 1;
        let suffix = pick(rng, &SUFFIXES);
        match round {
            0 => format!("{first}{second} {suffix}"),
            _ => format!("{first}{second} {round} {suffix}"),
        }
    }

    /// The next public body, such as `Riverton City Council`.
    pub(crate) fn public_body(&mut self) -> String {
        let (place, office, round) = pair(self.public_bodies, &PLACES, &OFFICES);
        self.public_bodies += 1;
        match round {
            0 => format!("{place} {office}"),
            _ => format!("{place} {office} {}", round + 1),
        }
    }
}

/// A person's name; repeats are as likely as in life.
pub(crate) fn person(rng: &mut impl Rng) -> String {
    format!("{} {}", pick(rng, &GIVEN_NAMES), pick(rng, &FAMILY_NAMES))
}

/// A uniformly chosen element.
pub(crate) fn pick<T: Copy, const N: usize>(rng: &mut impl Rng, from: &[T; N]) -> T {
    from[rng.random_range(0..N)]
}

/// The `ordinal`-th pair of words, and how often all pairs were used before.
fn pair<'a>(ordinal: usize, first: &[&'a str], second: &[&'a str]) -> (&'a str, &'a str, usize) {
    let pairs = first.len() * second.len();
    let scattered = (ordinal % pairs) * STRIDE % pairs;
    (first[scattered % first.len()], second[scattered / first.len()], ordinal / pairs)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn no_name_is_handed_out_twice() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut namer = Namer::default();
        let mut used = HashSet::new();
        for _ in 0..5_000 {
            assert!(used.insert(namer.company(&mut rng)));
            assert!(used.insert(namer.public_body()));
        }
    }
}
