//! What will happen, as a probability: futures re-run from the latent state.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use rand::Rng;

use crate::Settings;
use crate::calendar::{Day, WEEK, date_of, day_of};
use crate::customer::{Customer, Event, Profile, State, stream};
use crate::record::customer_id;

/// Marks the streams of futures; the rest of the purpose is the cutoff's day.
const FUTURES: u32 = 1 << 31;

/// The true prospects of a customer at a cutoff.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// As in the tables.
    pub customer_id: String,
    /// The day at whose end the future begins.
    pub cutoff: Date,
    /// Probability of winning at least one expansion within the horizon.
    pub probability: f64,
    /// Mean amount of the first expansion in the futures that have one.
    pub expected_amount: Option<f64>,
}

/// The true probability that each customer wins an expansion in `(cutoff, cutoff + horizon_days]`, from `paths` simulated
/// futures each.
///
/// A future starts from the customer's complete latent state, including what no table shows. The state is that at the start
/// of the customer's week in which the cutoff lies, so it is up to six days old, and wins up to the cutoff do not count.
/// Customers who are not yet signed at a cutoff, or have left by it, have no row. Rows are in the order of customers, then of
/// cutoffs in time.
///
/// The answer depends on the settings, the cutoff, the horizon and the number of paths only, not on which other cutoffs are
/// asked for.
pub fn truth(settings: &Settings, cutoffs: &[Date], horizon_days: u32, paths: u32) -> Vec<Truth> {
    let horizon = Day::try_from(horizon_days).unwrap_or(Day::MAX);
    let mut days: Vec<Day> = cutoffs.iter().copied().map(day_of).collect();
    days.sort_unstable();
    days.dedup();

    let mut rows = Vec::new();
    for index in 0..settings.customers {
        let mut customer = Customer::new(settings, index);
        for &cutoff in &days {
            let Some(state) = state_at(&mut customer, cutoff) else { continue };
            let window = cutoff + 1..=cutoff.saturating_add(horizon);
            let mut rng = stream(settings, index, FUTURES | cutoff.unsigned_abs());
            let (mut lived, mut won, mut amount) = (0_u32, 0_u32, 0.0);
            for _ in 0..paths {
                let (is_customer, first_win) = future(state, &customer.profile, &window, &mut rng);
                lived += u32::from(is_customer);
                won += u32::from(first_win.is_some());
                amount += first_win.unwrap_or(0.0);
            }
            rows.push(Truth {
                customer_id: customer_id(index),
                cutoff: date_of(cutoff),
                probability: f64::from(won) / f64::from(lived.max(1)),
                expected_amount: (won > 0).then(|| amount / f64::from(won)),
            });
        }
    }
    rows
}

/// Moves a customer to the week in which the cutoff lies and returns the state at its start; nothing if the customer is not
/// one at the cutoff's end.
fn state_at(customer: &mut Customer, cutoff: Day) -> Option<State> {
    while customer.state.is_active() && customer.state.week + WEEK <= cutoff {
        customer.step(&mut |_, _| {});
    }
    let signed = customer.state.week <= cutoff;
    let left = customer.state.churned.or_else(|| customer.peek().churned);
    (signed && left.is_none_or(|day| day > cutoff)).then_some(customer.state)
}

/// One future, up to its first win in the window, the days after a cutoff: whether the customer is still one at the cutoff,
/// and the amount of that win.
fn future(
    mut state: State,
    profile: &Profile,
    window: &RangeInclusive<Day>,
    rng: &mut impl Rng,
) -> (bool, Option<f64>) {
    let mut first_win = None;
    while first_win.is_none() && state.is_active() && state.week <= *window.end() {
        state.step(profile, rng, &mut |_, event| {
            if let Event::DealClosed { deal, won: true, on } = event
                && window.contains(&on)
            {
                first_win = Some(deal.amount);
            }
        });
    }
    (state.churned.is_none_or(|day| day >= *window.start()), first_win)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::catalog::PRODUCTS;
    use crate::simulate;

    fn settings() -> Settings {
        Settings { customers: 120, months: 24, end: date(2025, 6, 30), seed: 3, drift: None }
    }

    /// What a closed deal leaves in the tables.
    type Closed = (String, &'static str, Date, Date, bool);

    fn recorded(settings: &Settings, until: Date) -> Vec<Closed> {
        let closed = simulate(settings).expansion_opportunities;
        closed
            .into_iter()
            .filter_map(|row| {
                let on = row.closed_at.filter(|&on| on <= until)?;
                let won = row.stage == "won";
                Some((row.customer_id, row.product_id, row.created_at, on, won))
            })
            .collect()
    }

    #[test]
    fn a_re_run_repeats_the_recorded_history() {
        let settings = settings();
        let cutoff = date(2025, 2, 12);
        let mut repeated = Vec::new();
        for index in 0..settings.customers {
            let mut customer = Customer::new(&settings, index);
            while customer.state.is_active() && customer.state.week <= day_of(cutoff) {
                customer.step(&mut |_, event| {
                    if let Event::DealClosed { deal, won, on } = event
                        && on <= day_of(cutoff)
                    {
                        let product = PRODUCTS[deal.product].row.product_id;
                        let (opened, on) = (date_of(deal.opened), date_of(on));
                        repeated.push((customer_id(index), product, opened, on, won));
                    }
                });
            }
        }
        assert!(repeated.len() > 50);
        assert_eq!(repeated, recorded(&settings, cutoff));
    }

    #[test]
    fn the_state_at_a_cutoff_does_not_depend_on_observation() {
        let settings = settings();
        let cutoff = day_of(date(2025, 2, 12));
        for index in 0..settings.customers {
            let mut observed = Customer::new(&settings, index);
            let mut states = vec![observed.state];
            while observed.state.is_active() && observed.state.week <= cutoff {
                observed.step(&mut |_, _| {});
                states.push(observed.state);
            }
            let mut silent = Customer::new(&settings, index);
            if let Some(state) = state_at(&mut silent, cutoff) {
                assert!(states.contains(&state));
                assert!((0..WEEK).contains(&(cutoff - state.week)));
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_the_other_cutoffs() {
        let settings = settings();
        let (early, late) = (date(2024, 9, 3), date(2025, 2, 12));
        let both = truth(&settings, &[late, early], 90, 20);
        let alone = truth(&settings, &[late], 90, 20);
        let of_late: Vec<Truth> = both.into_iter().filter(|row| row.cutoff == late).collect();
        assert_eq!(of_late, alone);
    }

    #[test]
    fn only_customers_of_the_day_have_a_row() {
        let settings = settings();
        let cutoff = date(2025, 2, 12);
        let expected: Vec<String> = simulate(&settings)
            .customers
            .into_iter()
            .filter(|row| row.created_at <= cutoff)
            .filter(|row| row.churned_at.is_none_or(|day| day > cutoff))
            .map(|row| row.customer_id)
            .collect();
        let rows = truth(&settings, &[cutoff], 90, 1);
        let ids: Vec<String> = rows.into_iter().map(|row| row.customer_id).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn without_cutoffs_there_is_nothing_to_know() {
        assert_eq!(truth(&settings(), &[], 90, 10), Vec::new());
    }
}
