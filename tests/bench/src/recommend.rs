//! How often the first recommended product is the one that is bought, out of time, beside recommending the most-sold
//! product to everybody.

use std::collections::BTreeSet;

use clap::Args;
use expansion_answer::{Answer, Answering, Rules, answer};
use expansion_bench::{Failure, Known};
use expansion_domain::{Id, RunId, Stage, calculated_at, share};
use expansion_features::Catalogue;
use expansion_records::Yardstick;
use expansion_training::{Request, fit};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Recommended is what was known one horizon before.
    #[command(flatten)]
    known: Known,
}

/// Recommends from what was known one horizon earlier, and compares with what was bought since.
pub(crate) async fn measure(arguments: &Arguments) -> Result<Value, Failure> {
    let horizon_days = arguments.known.horizon_days;
    let (source, end) = arguments.known.read().await?;
    let as_of = end.plus_days(-i32::from(horizon_days));
    let run_id = RunId::derive(as_of, "bench", horizon_days);
    let request = Request {
        model_id: "bench".to_owned(),
        as_of,
        horizon_days,
        data_fingerprint: String::new(),
        stale_deal_days: 180,
        csm_capacity: 10,
    };
    let model = fit(&source, &request, None)?.model;
    let run = (&run_id, as_of, calculated_at(as_of, &run_id));
    let catalogue = Catalogue::new(&source.products);
    let (yardstick, rules) = (Yardstick::default(), Rules::default());
    let answering = Answering::new(&model, catalogue, &source.tables, (&yardstick, rules), run)?;
    let most_sold = model.products.overall.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(id, _)| id.clone());

    let (mut customers, mut first, mut any, mut most, mut offered) = (0, 0, 0, 0, 0);
    let (mut others, mut first_of_others) = (0, 0);
    let (mut inside, mut amounts) = (0, 0);
    for history in &source.customers {
        let Some(Answer { row, .. }) = answer(&answering, history, None) else { continue };
        let won = history.opportunities.iter().filter(|deal| {
            deal.stage == Stage::Won && deal.closed_at.is_some_and(|closed| as_of < closed && closed <= end)
        });
        let bought: BTreeSet<&Id> = won.clone().filter_map(|deal| deal.product_id.as_ref()).collect();
        if bought.is_empty() {
            continue;
        }
        let hit = |id: &str| usize::from(bought.iter().any(|product| ***product == *id));
        let products = &row.recommended_products;
        customers += 1;
        offered += usize::from(!products.is_empty());
        let is_first = products.first().map_or(0, |product| hit(&product.product_id));
        first += is_first;
        any += usize::from(products.iter().any(|product| hit(&product.product_id) == 1));
        let is_most_sold = most_sold.as_deref().map_or(0, hit);
        most += is_most_sold;
        others += 1 - is_most_sold;
        first_of_others += is_first * (1 - is_most_sold);
        for deal in won {
            let product = products.iter().find(|product| Some(&product.product_id) == deal.product_id.as_ref());
            if let Some((value, amount)) = product.and_then(|product| product.estimated_value).zip(deal.amount) {
                amounts += 1;
                inside += usize::from(value.lower <= amount && amount <= value.upper);
            }
        }
    }
    Ok(json!({
        "recommended_as_of": as_of,
        "customers_who_bought": customers,
        "with_a_recommendation": share(offered, customers),
        "first_is_bought": share(first, customers),
        "one_of_three_is_bought": share(any, customers),
        "most_sold_product": most_sold,
        "most_sold_is_bought": share(most, customers),
        "times_better": share(first, customers) / share(most, customers),
        "times_better_at_most": 1.0 / share(most, customers),
        "who_bought_others": { "customers": others, "first_is_bought": share(first_of_others, others) },
        "value_interval_80": { "coverage": share(inside, amounts), "n": amounts },
    }))
}
