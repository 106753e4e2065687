//! The law against leaks, for every feature by name: whatever is learned after `as_of` (added, changed or taken away) changes
//! no value. What features there are, and which words they look for, is read from the crate: a new one is covered as it is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use expansion_domain::{
    Contract, CustomerHistory, Engagement, Id, Instant, Opportunity, Product, Reading, Signal, Stage, Stakeholder,
    Table, UsageSeries,
};
use expansion_features::{ACTIVE_SEATS, Catalogue, FEATURES, Inputs, KINDS, METRICS, Slots, Value};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// The last day that is known.
const AS_OF: i32 = 500;
/// Words in a history: few, so that they come together as those of a real source do.
const WORDS: usize = 12;
/// Histories in which every feature must show itself.
const HISTORIES: u32 = 3000;
/// In so many of them at least it has a value.
const LEAST_KNOWN: usize = 10;

/// What a feature makes of a history.
type Extract = dyn Fn(&CustomerHistory, Instant) -> Value;

/// What has a value for a customer at a time, by name.
struct Candidate {
    name: &'static str,
    value: Box<Extract>,
}

impl Candidate {
    fn new(name: &'static str, value: impl Fn(&CustomerHistory, Instant) -> Value + 'static) -> Self {
        Self { name, value: Box::new(value) }
    }
}

/// Every feature there is.
fn registry() -> Vec<Candidate> {
    let of = |feature: &'static expansion_features::Feature| {
        Candidate::new(feature.name, |history, as_of| with_inputs(history, as_of, |inputs| feature.value(inputs)))
    };
    FEATURES.iter().map(of).collect()
}

/// What a feature is given.
fn with_inputs(history: &CustomerHistory, as_of: Instant, value: impl Fn(&Inputs<'_>) -> Value) -> Value {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        let product = |(n, kind): (usize, &Id)| Product {
            product_id: format!("p{n}").into(),
            name: None,
            kind: Some(kind.clone()),
            unit: None,
            list_price: None,
        };
        Catalogue::new(&vocabulary().iter().enumerate().map(product).collect::<Vec<_>>())
    });
    static SLOTS: LazyLock<Slots> = LazyLock::new(|| {
        let words = vocabulary();
        Slots { seats: Some(ACTIVE_SEATS.into()), metrics: words[..METRICS].to_vec(), kinds: words[..KINDS].to_vec() }
    });
    let Some(known) = history.known(as_of) else { return Value::Missing };
    value(&Inputs { known, catalogue: &CATALOGUE, tables: &Table::ALL, slots: &SLOTS })
}

/// The words that the source of this crate, and of what it is given, compares with: names of metrics, kinds and roles.
fn vocabulary() -> &'static [Id] {
    static WORDS: LazyLock<Vec<Id>> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own =
            fs::read_dir(root.join("src")).expect("the crate's source").map(|file| file.expect("readable").path());
        // What tells of a source as a whole is no feature.
        let own = own.filter(|file| file.is_file() && !file.ends_with("quality.rs"));
        let given = ["known.rs", "facts.rs"].map(|file| root.join("../domain/src").join(file));
        let is_word = |text: &&str| {
            text.starts_with(|c: char| c.is_ascii_lowercase())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let mut words = BTreeSet::new();
        for file in own.chain(given) {
            let text = fs::read_to_string(file).expect("text");
            // Not what only unit tests say.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
            words.extend(code.flat_map(|line| line.split('"').skip(1).step_by(2)).filter(is_word).map(Id::from));
        }
        words.into_iter().collect()
    });
    &WORDS
}

/// Something about a customer: what, on which day, how many days it takes, with which words and number.
#[derive(Clone, Copy, Debug)]
struct Fact {
    what: What,
    day: i32,
    days: i32,
    words: [usize; 2],
    number: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Usage,
    Health,
    Contract,
    Deal,
    /// A deal of the past that somebody records on its day.
    ToldDeal,
    Signal,
    Person,
    Engagement,
}

/// What comes after `AS_OF`; the days of facts count from there.
#[derive(Clone, Debug, Default)]
struct Future {
    facts: Vec<Fact>,
    /// How the deals end that are open, one after the other; those beyond stay open.
    fates: Vec<Fate>,
    leaves: Option<i32>,
}

/// How a deal that is open at `AS_OF` ends.
#[derive(Clone, Copy, Debug)]
struct Fate {
    stage: Stage,
    /// After how many days that is known.
    days: i32,
    /// How many days earlier it happened, as is recorded then.
    back: i32,
    amount: f64,
}

/// A customer's past, the words it is told in, and what may follow.
#[derive(Clone, Debug)]
struct Case {
    words: Vec<Id>,
    /// How many days before the first fact they became a customer.
    before: i32,
    known: Vec<Fact>,
    one: Future,
    other: Future,
}

fn day(offset: i32) -> Instant {
    "2024-01-01".parse::<Instant>().expect("a date").plus_days(offset)
}

impl Case {
    fn word(&self, n: usize) -> Id {
        self.words[n % self.words.len()].clone()
    }

    /// The customer as they are known in the end, if this follows.
    fn history(&self, future: &Future) -> CustomerHistory {
        let mut history = CustomerHistory {
            segment: Some(self.word(0)),
            industry: Some(self.word(1)),
            region: Some(self.word(2)),
            churned_at: future.leaves.map(|days| day(AS_OF + days)),
            ..CustomerHistory::new("c".into(), day(-self.before))
        };
        let mut fates = future.fates.iter();
        for (n, fact) in self.known.iter().enumerate() {
            self.add(&mut history, *fact, &format!("k{n}"), AS_OF);
            if let Some(deal) = history.opportunities.last_mut().filter(|_| fact.what == What::Deal)
                && deal.closed_at.is_none_or(|closed| closed > day(AS_OF))
            {
                end(deal, fates.next());
            }
        }
        for (n, fact) in future.facts.iter().enumerate() {
            self.add(&mut history, Fact { day: AS_OF + fact.day, ..*fact }, &format!("f{n}"), i32::MAX);
        }
        history.sort();
        history
    }

    fn add(&self, history: &mut CustomerHistory, fact: Fact, id: &str, until: i32) {
        let Fact { what, day: on, days, words: [word, other], number } = fact;
        let at = day(on);
        match what {
            What::Usage => {
                let metric = self.word(word);
                let weeks = (0..=days % 26).map(|week| on + 7 * week).filter(|day| *day <= until);
                let reading = |week: i32| Reading { at: day(week), value: number + f64::from(week - on) };
                let place = history.usage.iter().position(|series| series.metric == metric).unwrap_or_else(|| {
                    history.usage.push(UsageSeries { metric, readings: Vec::new() });
                    history.usage.len() - 1
                });
                history.usage[place].readings.extend(weeks.map(reading));
            }
            What::Health => history.health.push(Reading { at, value: number % 100.0 }),
            What::Contract => history.contracts.push(Contract {
                contract_id: id.into(),
                product_id: (word % 3 > 0).then(|| format!("p{}", word % vocabulary().len()).into()),
                quantity: Some(number),
                annual_value: (other % 3 > 0).then_some(number),
                start_date: at,
                end_date: (other % 5 > 0).then(|| day(on + days)),
            }),
            What::Deal => {
                let stage = [Stage::Won, Stage::Won, Stage::Lost, Stage::Open][other % 4];
                history.opportunities.push(Opportunity {
                    opportunity_id: id.into(),
                    product_id: None,
                    other_products: Vec::new(),
                    stage,
                    amount: Some(number),
                    created_at: at,
                    closed_at: (stage != Stage::Open).then(|| day(on + days)),
                    known_at: None,
                    outcome_known_at: None,
                });
            }
            What::ToldDeal => history.opportunities.push(Opportunity {
                opportunity_id: id.into(),
                product_id: None,
                other_products: Vec::new(),
                stage: Stage::Won,
                amount: Some(number),
                created_at: day(on - days),
                closed_at: Some(day(on - days)),
                known_at: Some(at),
                outcome_known_at: Some(at),
            }),
            What::Signal => {
                history.signals.push(Signal { detected_at: at, kind: self.word(word), summary: None });
            }
            What::Person => history.stakeholders.push(Stakeholder {
                stakeholder_id: ["ann", "bob", "cleo"][word % 3].into(),
                name: None,
                title: Some(["VP", "Head", "Lead"][other % 3].into()),
                role: Some(self.word(other)),
                recorded_at: at,
            }),
            What::Engagement => history.engagements.push(Engagement {
                occurred_at: at,
                kind: Some(self.word(word)),
                with_executive: (other % 4 > 0).then_some(other % 2 == 0),
                stakeholder_id: Some("ann".into()),
            }),
        }
    }
}

/// Ends a deal that is open at `AS_OF`, or leaves it open.
fn end(deal: &mut Opportunity, fate: Option<&Fate>) {
    let open = Fate { stage: Stage::Open, days: 1, back: 0, amount: 0.0 };
    let Fate { stage, days, back, amount } = *fate.unwrap_or(&open);
    let is_open = stage == Stage::Open;
    deal.stage = stage;
    deal.amount = Some(amount);
    deal.closed_at = (!is_open).then(|| day(AS_OF + days - back));
    deal.outcome_known_at = (back > 0 && !is_open).then(|| day(AS_OF + days));
}

impl Future {
    /// The same facts on the same days, each of them another.
    fn changed(&self) -> Self {
        let fact = |fact: &Fact| Fact { words: fact.words.map(|n| n + 1), number: fact.number * 2.0 + 1.0, ..*fact };
        let fate = |fate: &Fate| {
            let stage = if fate.stage == Stage::Won { Stage::Lost } else { Stage::Won };
            Fate { stage, amount: fate.amount * 2.0 + 1.0, ..*fate }
        };
        Self {
            facts: self.facts.iter().map(fact).collect(),
            fates: self.fates.iter().map(fate).collect(),
            leaves: self.leaves.map(|days| days + 1),
        }
    }
}

fn fact(days: std::ops::RangeInclusive<i32>, told: bool) -> impl Strategy<Value = Fact> {
    use What::{Contract, Deal, Engagement, Health, Person, Signal, ToldDeal, Usage};
    let mut whats = vec![Usage, Usage, Usage, Health, Contract, Deal, Signal, Signal, Person, Engagement, Engagement];
    whats.extend(told.then_some(ToldDeal));
    (prop::sample::select(whats), days, 1..400_i32, [0..1000_usize, 0..1000], 0.0..500.0_f64)
        .prop_map(|(what, day, days, words, number)| Fact { what, day, days, words, number })
}

fn future() -> impl Strategy<Value = Future> {
    let stage = prop::sample::select(vec![Stage::Won, Stage::Lost, Stage::Open]);
    let fate = (stage, 1..300_i32, prop_oneof![Just(0), 1..300_i32], 0.0..500.0_f64)
        .prop_map(|(stage, days, back, amount)| Fate { stage, days, back, amount });
    let facts = prop::collection::vec(fact(1..=300, true), 0..30);
    (facts, prop::collection::vec(fate, 0..10), prop::option::of(1..300_i32))
        .prop_map(|(facts, fates, leaves)| Future { facts, fates, leaves })
}

fn case() -> impl Strategy<Value = Case> {
    let words = prop::sample::subsequence(vocabulary().to_vec(), WORDS).prop_shuffle();
    // Most facts are recent enough for the features that look back less than a year.
    let known = prop::collection::vec(prop_oneof![fact(0..=AS_OF, false), fact(AS_OF - 180..=AS_OF, false)], 0..120);
    (words, 0..400_i32, known, future(), future()).prop_map(|(words, before, known, one, other)| Case {
        words,
        before,
        known,
        one,
        other,
    })
}

/// Bit for bit: a NaN would be equal to itself, and 0.0 not to -0.0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bits {
    Missing,
    Number(u64),
    Level(Id),
}

fn bits(value: Value) -> Bits {
    match value {
        Value::Missing => Bits::Missing,
        Value::Number(number) => Bits::Number(number.to_bits()),
        Value::Level(level) => Bits::Level(level),
    }
}

/// The law, for whatever has a value.
fn law(registry: &[Candidate], case: &Case) -> Result<(), TestCaseError> {
    let known = case.history(&Future::default());
    let futures =
        [("is added", case.one.clone()), ("is changed", case.one.changed()), ("else follows", case.other.clone())];
    for (how, future) in &futures {
        let later = case.history(future);
        for Candidate { name, value } in registry {
            let [before, after] = [&known, &later].map(|history| bits(value(history, day(AS_OF))));
            prop_assert_eq!(before, after, "{} tells what {} after as_of", name, how);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_learned_later_changes_any_feature(case in case()) {
        law(&registry(), &case)?;
    }
}

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Without this the law might hold of features that are never known or never differ in the histories it is tried on.
#[test]
fn every_feature_is_known_and_varies_in_these_histories() {
    let registry = registry();
    let seen: RefCell<BTreeMap<&str, (usize, BTreeSet<Bits>)>> = RefCell::default();
    let look = |case: Case| {
        let history = case.history(&case.one);
        for Candidate { name, value } in &registry {
            let value = bits(value(&history, day(AS_OF)));
            prop_assert_ne!(&value, &Bits::Number((-0.0_f64).to_bits()), "{}: a zero has no sign", name);
            let mut seen = seen.borrow_mut();
            let (known, values) = seen.entry(name).or_default();
            if value != Bits::Missing {
                *known += 1;
                values.insert(value);
            }
        }
        Ok(())
    };
    runner(HISTORIES).run(&case(), look).expect("zeros have no sign");
    let hardly = |(known, values): &(usize, BTreeSet<Bits>)| *known < LEAST_KNOWN || values.len() < 2;
    let seen = seen.into_inner();
    let unseen: Vec<String> = seen
        .iter()
        .filter(|(_, seen)| hardly(seen))
        .map(|(name, (known, values))| format!("{name}: known {known} times, {} values", values.len()))
        .collect();
    assert_eq!(seen.len(), FEATURES.len());
    assert!(unseen.is_empty(), "the histories above must show what these features look at: {unseen:#?}");
}

/// Features that leak, one for each way to know too much.
fn leaking() -> Vec<Candidate> {
    vec![
        Candidate::new("is_won_later", |history, as_of| {
            Value::from(
                history.opportunities.iter().filter(|o| o.stage == Stage::Won && o.closed_at > Some(as_of)).count(),
            )
        }),
        Candidate::new("amount_of_open_deals", |history, as_of| {
            let open = history.opportunities.iter().filter(|o| o.created_at <= as_of && o.known_close(as_of).is_none());
            Value::number(open.filter_map(|o| o.amount).sum())
        }),
        Candidate::new("closed_before_it_was_recorded", |history, as_of| {
            let known = history.opportunities.iter().filter(|o| o.is_known(as_of));
            Value::from(known.filter(|o| o.closed_at.is_some_and(|closed| closed <= as_of)).count())
        }),
        Candidate::new("opened_before_it_was_recorded", |history, as_of| {
            Value::from(history.opportunities.iter().filter(|o| o.created_at <= as_of).count())
        }),
        Candidate::new("contracts_ever", |history, _| Value::from(history.contracts.len())),
        Candidate::new("metrics_ever", |history, _| Value::from(history.usage.len())),
        Candidate::new("usage_ever", |history, _| {
            Value::number(history.usage.iter().flat_map(|series| &series.readings).map(|reading| reading.value).sum())
        }),
        Candidate::new("last_health", |history, _| history.health.last().map(|reading| reading.value).into()),
        Candidate::new("kinds_of_signals_ever", |history, _| {
            Value::from(history.signals.iter().map(|signal| &signal.kind).collect::<BTreeSet<_>>().len())
        }),
        Candidate::new("last_title", |history, _| {
            history.stakeholders.last().and_then(|person| person.title.as_ref()).into()
        }),
        Candidate::new("engagements_ever", |history, _| Value::from(history.engagements.len())),
        Candidate::new("leaves", |history, _| Value::from(usize::from(history.churned_at.is_some()))),
        // Through what a feature is given, by looking from a later day.
        Candidate::new("wins_a_quarter_on", |history, as_of| {
            with_inputs(history, as_of, |inputs| {
                let mut later = inputs.known;
                later.as_of = as_of.plus_days(90);
                later.wins().count().into()
            })
        }),
    ]
}

#[test]
fn a_feature_that_leaks_is_caught_by_its_name() {
    for leak in leaking() {
        let name = leak.name;
        let mut registry = registry();
        registry.push(leak);
        let broken = runner(256).run(&case(), |case| law(&registry, &case));
        let Err(TestError::Fail(reason, _)) = broken else { panic!("{name} is not caught") };
        assert!(
            reason.message().starts_with(&format!("{name} tells what "))
                || reason.message().contains(&format!(": {name} tells")),
            "{reason}"
        );
    }
}
