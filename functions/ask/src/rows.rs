//! The stored rows that an answer is made of, read through the functions that answer for them.
//!
//! Those functions show a CSM only their own customers, so nothing here can show more.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use expansion_api::{ListAnswer, Principal, Problem, RunView, ScoreView};
use expansion_domain::Id;
use futures::stream::{self, StreamExt};

use crate::State;
use crate::names::{Named, Narrowing, Vocabulary, among, is_near, is_same, is_same_csm, nearest};

/// Rows a page at most.
const PAGE: usize = 200;
/// Rows looked through for one question; more would take longer than people wait.
pub(crate) const MOST_ROWS: usize = 20_000;
/// Pages asked for at most: with a rare filter, pages may be short.
const MOST_PAGES: usize = 2 * MOST_ROWS / PAGE;
/// Rows in which segments and products are looked for first; they are stored ready in every order.
const FIRST_ROWS: usize = 1_000;
/// Customers whose recommended products are looked at for a product's name, and how many at once.
const MOST_SAMPLED: usize = 48;
const CONCURRENCY: usize = 8;

/// Parameters of the list.
pub(crate) type Parameters = Vec<(&'static str, String)>;

/// One page of the list.
pub(crate) async fn list(state: &State, principal: &Principal, parameters: &Parameters) -> Result<ListAnswer, Problem> {
    let query = serde_urlencoded::to_string(parameters).map_err(|error| {
        tracing::error!(error.message = %error, "the list's parameters have no query string");
        Problem::internal()
    })?;
    list_propensities::answer(&state.list, principal, &query).await
}

/// What was looked through.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The run.
    pub(crate) run: RunView,
    /// Whether there are more rows than are looked through.
    pub(crate) is_cut: bool,
}

/// Shows the rows of a list one by one, page after page, until `look` has seen enough or there are no more.
pub(crate) async fn look_through(
    state: &State,
    principal: &Principal,
    parameters: &Parameters,
    mut look: impl FnMut(ScoreView) -> ControlFlow<()>,
) -> Result<Seen, Problem> {
    let mut parameters = parameters.clone();
    parameters.push(("limit", PAGE.to_string()));
    let mut page = list(state, principal, &parameters).await?;
    let (mut rows, mut pages) = (0, 1);
    loop {
        rows += page.data.len();
        if page.data.into_iter().try_for_each(&mut look).is_break() {
            return Ok(Seen { run: page.run, is_cut: false });
        }
        let Some(cursor) = page.next_cursor else { return Ok(Seen { run: page.run, is_cut: false }) };
        if rows >= MOST_ROWS || pages >= MOST_PAGES {
            return Ok(Seen { run: page.run, is_cut: true });
        }
        parameters.retain(|(name, _)| *name != "cursor");
        parameters.push(("cursor", cursor));
        page = list(state, principal, &parameters).await?;
        pages += 1;
    }
}

/// The first rows of a list that are kept.
pub(crate) async fn first(
    state: &State,
    principal: &Principal,
    parameters: &Parameters,
    count: usize,
    keep: impl Fn(&ScoreView) -> bool,
) -> Result<(Seen, Vec<ScoreView>), Problem> {
    let mut rows = Vec::new();
    let seen = look_through(state, principal, parameters, |row| {
        rows.extend(Some(row).filter(&keep));
        if rows.len() < count { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
    .await?;
    Ok((seen, rows))
}

/// The customer of a name: with it in their name or id, or else with a similar one; and whether there are accounts that
/// were not looked at.
pub(crate) async fn named(state: &State, principal: &Principal, name: &str) -> Result<(Named, bool), Problem> {
    let (seen, rows) = first(state, principal, &vec![("q", name.to_owned())], MOST_ROWS, |_| true).await?;
    if !rows.is_empty() {
        return Ok((among(name, rows), seen.is_cut));
    }
    let mut near = Vec::new();
    let seen = look_through(state, principal, &Parameters::new(), |row| {
        if is_near(name, &row) {
            near.push(row);
        }
        ControlFlow::Continue(())
    })
    .await?;
    Ok((nearest(name, near), seen.is_cut))
}

/// The CSM of the run who is meant, and whether there are accounts that were not looked at.
pub(crate) async fn csm(state: &State, principal: &Principal, id: &str) -> Result<(Option<Id>, bool), Problem> {
    let written = list(state, principal, &vec![("csm_id", id.to_owned()), ("limit", "1".to_owned())]).await?;
    if !written.data.is_empty() {
        return Ok((Some(id.into()), false));
    }
    let mut found = None;
    let seen = look_through(state, principal, &Parameters::new(), |row| {
        found = row.csm_id.filter(|own| is_same_csm(own, id));
        if found.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .await?;
    Ok((found, seen.is_cut))
}

/// Whether a name is that of a segment of the run's best rows.
pub(crate) async fn is_segment(state: &State, principal: &Principal, name: &str) -> Result<bool, Problem> {
    let (_, rows) = first(state, principal, &Parameters::new(), FIRST_ROWS, |_| true).await?;
    Ok(rows.iter().filter_map(|row| row.segment.as_deref()).any(|segment| is_same(segment, name)))
}

/// What phrases name: a segment of the run's rows or a recommended product; or the phrase that names nothing, with the
/// names there are.
pub(crate) async fn narrowings(
    state: &State,
    principal: &Principal,
    phrases: &[String],
) -> Result<Result<Vec<Narrowing>, (String, Vocabulary)>, Problem> {
    if phrases.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let mut vocabulary = Vocabulary::default();
    let (_, rows) = first(state, principal, &Parameters::new(), FIRST_ROWS, |_| true).await?;
    vocabulary.segments.extend(rows.iter().filter_map(|row| row.segment.clone()));
    // Segments are looked at first: a product of the same name has a longer one too.
    if resolved(&vocabulary, phrases).is_err() || rows.is_empty() {
        vocabulary.products = products(state, principal, &rows).await?;
    }
    if let (Err(phrase), true) = (resolved(&vocabulary, phrases), rows.len() >= FIRST_ROWS) {
        look_through(state, principal, &Parameters::new(), |row| {
            let is_new = row.segment.is_some_and(|segment| vocabulary.segments.insert(segment));
            let is_found = is_new && vocabulary.named(phrase).is_some();
            if is_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
    }
    if let Err(phrase) = resolved(&vocabulary, phrases)
        && is_recommended(state, principal, phrase).await?
    {
        vocabulary.products.insert(phrase.as_str().into(), None);
    }
    let resolved = resolved(&vocabulary, phrases).map_err(ToOwned::to_owned);
    Ok(resolved.map_err(|phrase| (phrase, vocabulary)))
}

/// What all the phrases name, each once, or the first that names nothing.
fn resolved<'p>(vocabulary: &Vocabulary, phrases: &'p [String]) -> Result<Vec<Narrowing>, &'p String> {
    let mut all = Vec::new();
    for phrase in phrases {
        all.extend(vocabulary.named(phrase).ok_or(phrase)?);
    }
    all.sort();
    all.dedup();
    Ok(all)
}

/// The products recommended to some of the customers, with their names, which only the customers' own rows have.
async fn products(
    state: &State,
    principal: &Principal,
    rows: &[ScoreView],
) -> Result<BTreeMap<Id, Option<Id>>, Problem> {
    let step = rows.len().div_ceil(MOST_SAMPLED).max(1);
    let sample = rows.iter().step_by(step);
    let answers: Vec<_> =
        sample.map(|row| get_propensity::answer(&state.customer, principal, &row.customer_id)).collect();
    let answers: Vec<_> = stream::iter(answers).buffer_unordered(CONCURRENCY).collect().await;
    let mut products = BTreeMap::new();
    for answer in answers {
        products.extend(answer?.recommended_products.into_iter().map(|product| (product.product_id, product.name)));
    }
    Ok(products)
}

/// Whether a phrase is the id of a product that somebody is recommended.
async fn is_recommended(state: &State, principal: &Principal, phrase: &str) -> Result<bool, Problem> {
    let looks_like_an_id = phrase.contains(['-', '_']) && !phrase.contains(' ');
    if !looks_like_an_id {
        return Ok(false);
    }
    let (_, rows) = first(state, principal, &vec![("product_id", phrase.to_owned())], 1, |_| true).await?;
    Ok(!rows.is_empty())
}
