//! `GET /api/analytics/expansion-propensity`: the customers of a run, best first.

use std::sync::Arc;

use axum::extract::State;
use expansion_domain::Id;
use expansion_model::ConfidenceLevel;
use expansion_records::{Grade, Order, Standing};
use expansion_service::list::{
    AMOUNT, DAYS, DEFAULT_LIMIT, LIMITS, ListFilters, ListRequest, ListedRun, Lists, OF_EACH_CSM, SCORES, Totals,
};
use expansion_service::view::{RunView, ScoreView};
use expansion_service::{Config, ConfigError, Error, Principal};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::{Cursor, CursorKey};
use crate::describe::Describe;
use crate::query::{FromQuery, Given};
use crate::{Answer, Caller, Method, Problem, Query, Shared, Surface};

/// What may be asked of the list.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
pub struct ListParameters {
    /// Rows wanted.
    #[schemars(with = "Option<u64>", range(min = 1, max = 200), extend("default" = DEFAULT_LIMIT))]
    pub limit: Option<usize>,
    /// Where the list goes on: `next_cursor` of the page before, with the same other parameters.
    pub cursor: Option<String>,
    /// Each CSM's best so many; sorted by priority only those ready to approach.
    #[schemars(with = "Option<u64>", range(min = 1, max = 100))]
    pub per_csm: Option<usize>,
    /// Which customers, and in which order.
    #[schemars(flatten)]
    pub selection: Selection,
}

/// Which customers are asked for, and in which order.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
pub struct Selection {
    /// Only customers who stand so.
    #[schemars(with = "Option<String>", extend("enum" = STANDINGS, "default" = "all"))]
    pub standing: Option<ListedStanding>,
    /// Only this grade, in either case.
    #[schemars(with = "Option<String>", extend("enum" = Grade::ALL.map(Grade::name)))]
    pub grade: Option<Grade>,
    /// Only this CSM's customers; for a CSM always their own.
    #[schemars(with = "Option<String>")]
    pub csm_id: Option<Id>,
    /// Only this segment.
    #[schemars(with = "Option<String>")]
    pub segment: Option<Id>,
    /// Only this industry.
    #[schemars(with = "Option<String>")]
    pub industry: Option<Id>,
    /// Only this region.
    #[schemars(with = "Option<String>")]
    pub region: Option<Id>,
    /// Only customers to whom this product is recommended.
    #[schemars(with = "Option<String>")]
    pub product_id: Option<Id>,
    /// Only customers whose name or id has this in it, in any case of letters.
    pub q: Option<String>,
    /// Only scores from here on.
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub min_score: Option<u8>,
    /// Only this confidence; any case of letters is taken.
    #[schemars(with = "Option<String>", extend("enum" = ["High", "Medium", "Low"]))]
    pub confidence: Option<ConfidenceLevel>,
    /// Only customers of whom a contract ends within so many days.
    #[schemars(range(min = 0, max = 3650))]
    pub renewal_within: Option<u16>,
    /// Only customers with somebody known who argues for a purchase (`true`), or without (`false`).
    pub has_advocate: Option<bool>,
    /// Only customers with whom nobody has talked for so many days, or never.
    #[schemars(range(min = 0, max = 3650))]
    pub no_contact_for: Option<u16>,
    /// Only customers whose expansion would be worth so much: `estimated_value.amount` from here on.
    #[schemars(range(min = 0))]
    pub min_value: Option<f64>,
    /// What comes first.
    #[schemars(with = "Option<String>", extend("enum" = Order::ALL.map(Order::name), "default" = Order::default().name()))]
    pub sort: Option<Order>,
}

/// The values of `standing`.
const STANDINGS: [&str; 4] = ["ready_to_approach", "in_progress", "leave_alone", ALL];
const ALL: &str = "all";

/// Which customers are listed: of one standing, or all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListedStanding {
    /// However they stand.
    #[default]
    All,
    /// Only those who stand so.
    Only(Standing),
}

impl ListedStanding {
    fn named(name: &str) -> Option<Self> {
        if name == ALL { Some(Self::All) } else { Standing::named(name).map(Self::Only) }
    }

    /// The standing that the list is narrowed to.
    pub const fn only(self) -> Option<Standing> {
        match self {
            Self::All => None,
            Self::Only(standing) => Some(standing),
        }
    }
}

impl FromQuery for ListParameters {
    fn take(given: &mut Given) -> Self {
        Self {
            limit: given.number("limit", LIMITS),
            cursor: given.text("cursor"),
            per_csm: given.number("per_csm", OF_EACH_CSM),
            selection: Selection::take(given),
        }
    }
}

impl FromQuery for Selection {
    const UNKNOWN: &'static str = "is not a parameter of an export";

    fn take(given: &mut Given) -> Self {
        let levels = "must be High, Medium or Low";
        let orders = "must be score, expected_value or priority";
        let standings = "must be ready_to_approach, in_progress, leave_alone or all";
        Self {
            min_score: given.number("min_score", SCORES),
            confidence: given.parsed("confidence", levels, |text| text.parse().ok()),
            sort: given.parsed("sort", orders, |text| Order::ALL.into_iter().find(|order| order.name() == text)),
            standing: given.parsed("standing", standings, ListedStanding::named),
            grade: given.parsed("grade", "must be A, B, C or D", |text| text.parse().ok()),
            csm_id: given.text("csm_id").map(Id::from),
            segment: given.text("segment").map(Id::from),
            industry: given.text("industry").map(Id::from),
            region: given.text("region").map(Id::from),
            product_id: given.text("product_id").map(Id::from),
            renewal_within: given.number("renewal_within", DAYS),
            has_advocate: given.parsed("has_advocate", "must be true or false", |text| text.parse().ok()),
            no_contact_for: given.number("no_contact_for", DAYS),
            min_value: given.parsed("min_value", AMOUNT, |text| text.parse().ok().filter(|least: &f64| *least >= 0.0)),
            q: given.text("q"),
        }
    }
}

impl From<Selection> for ListRequest {
    fn from(asked: Selection) -> Self {
        let filters = ListFilters {
            standing: asked.standing.unwrap_or_default().only(),
            grade: asked.grade,
            csm_id: asked.csm_id,
            segment: asked.segment,
            industry: asked.industry,
            region: asked.region,
            product_id: asked.product_id,
            q: asked.q,
            min_score: asked.min_score.unwrap_or_default(),
            confidence: asked.confidence,
            renewal_within: asked.renewal_within,
            has_advocate: asked.has_advocate,
            no_contact_for: asked.no_contact_for,
            min_value: asked.min_value,
        };
        Self { order: asked.sort.unwrap_or_default(), ..filters.into() }
    }
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ListAnswer {
    /// The run.
    pub run: RunView,
    /// The rows.
    pub data: Vec<ScoreView>,
    /// What all customers of the list add up to; `null` on further pages, and with `per_csm`.
    pub totals: Option<Totals>,
    /// Where the list goes on; `null` at its end.
    pub next_cursor: Option<String>,
}

/// The list, and how to go on in it.
#[derive(Debug)]
pub struct Pages {
    /// The list.
    pub lists: Lists,
    key: CursorKey,
}

impl Pages {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { lists: Lists::new(config)?, key: CursorKey::new(&config.cursor_secret()?) })
    }

    /// The page that a caller asks for, and the run it is of.
    ///
    /// # Errors
    /// [`Error`] for parameters that make no sense, before the first run, and when the store fails.
    pub async fn page(
        &self,
        caller: &Principal,
        query: Query<ListParameters>,
    ) -> Result<(ListAnswer, Arc<ListedRun>), Error> {
        let request = self.request(caller, query)?;
        let listed = self.lists.listed(request.from.as_ref()).await?;
        let page = self.lists.page(&listed, caller, &request).await?;
        let seal = |start| self.key.seal(&Cursor { list: request.identity(caller), start });
        let totals = match (&request.from, request.per_csm) {
            (None, None) => Some(self.lists.totals(&listed, caller, &request).await?),
            _ => None,
        };
        let next_cursor = page.next.map(seal);
        Ok((ListAnswer { run: page.run, data: page.data, totals, next_cursor }, listed))
    }

    /// What the parameters of a caller ask for.
    fn request(&self, caller: &Principal, mut query: Query<ListParameters>) -> Result<ListRequest, Error> {
        let ListParameters { limit, cursor, per_csm, selection } = query.asked.clone();
        let request = ListRequest { limit: limit.unwrap_or(DEFAULT_LIMIT), per_csm, ..selection.into() };
        query.given.refuse_all(request.wrong(caller));
        let cursor = cursor.as_deref().map(|text| self.key.open(text));
        let cursor = cursor.map(|cursor| cursor.filter(|cursor| cursor.list == request.identity(caller)));
        if cursor == Some(None) {
            query.given.refuse("cursor", "is not a cursor of this list");
        }
        query.checked().map_err(Error::InvalidParameters)?;
        Ok(ListRequest { from: cursor.flatten().map(|cursor| cursor.start), ..request })
    }
}

/// Puts the list on a surface.
pub fn routes<S: Surface>(surface: S, config: &Config) -> Result<S, ConfigError> {
    let pages = Shared::new(config, Pages::new(config)?)?;
    Ok(surface.route(Method::Get, "/api/analytics/expansion-propensity", list, pages, |op| {
        op.id("listCustomers")
            .tag("Scores")
            .summary("Customers, best first.")
            .says(200, "A page of the customers that the caller may see, of the current run or of the cursor's.")
            .refuses(&[400, 404])
            .link("best", "getCustomer", "id", "$response.body#/data/0/customer_id")
            .link("run", "getRefresh", "run_id", "$response.body#/run/run_id")
    }))
}

async fn list(
    State(pages): State<Shared<Pages>>,
    Caller(caller): Caller,
    query: Query<ListParameters>,
) -> Result<Answer<ListAnswer>, Problem> {
    Ok(Answer(pages.page(&caller, query).await?.0))
}
