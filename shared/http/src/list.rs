//! `GET /api/analytics/expansion-propensity`: the customers of a run, best first.

use std::sync::Arc;

use axum::extract::State;
use expansion_domain::Id;
use expansion_model::ConfidenceLevel;
use expansion_records::Order;
use expansion_service::list::{DEFAULT_LIMIT, LIMITS, ListRequest, ListedRun, Lists, OF_EACH_CSM, SCORES};
use expansion_service::view::{RunView, ScoreView};
use expansion_service::{Config, ConfigError, Error, Principal};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cursor::{Cursor, CursorKey};
use crate::describe::Describe;
use crate::query::{FromQuery, Given};
use crate::{Answer, Caller, Method, Problem, Query, Shared, Surface};

/// What may be asked of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
pub struct ListParameters {
    /// Rows wanted.
    #[schemars(with = "Option<u64>", range(min = 1, max = 200), extend("default" = DEFAULT_LIMIT))]
    pub limit: Option<usize>,
    /// Where the list goes on: `next_cursor` of the page before, with the same other parameters.
    pub cursor: Option<String>,
    /// Only this CSM's customers; for a CSM always their own.
    #[schemars(with = "Option<String>")]
    pub csm_id: Option<Id>,
    /// Only this segment.
    pub segment: Option<String>,
    /// Only customers to whom this product is recommended.
    pub product_id: Option<String>,
    /// Only customers whose name or id has this in it, in any case of letters.
    pub q: Option<String>,
    /// Only scores from here on.
    #[schemars(range(min = 0, max = 100), extend("default" = 0))]
    pub min_score: Option<u8>,
    /// Only this confidence; any case of letters is taken.
    #[schemars(with = "Option<String>", extend("enum" = ["High", "Medium", "Low"]))]
    pub confidence: Option<ConfidenceLevel>,
    /// What comes first.
    #[schemars(with = "Option<String>", extend("enum" = Order::ALL.map(Order::name), "default" = Order::default().name()))]
    pub sort: Option<Order>,
    /// Each CSM's best so many; sorted by priority without those better left alone.
    #[schemars(with = "Option<u64>", range(min = 1, max = 100))]
    pub per_csm: Option<usize>,
}

impl FromQuery for ListParameters {
    fn take(given: &mut Given) -> Self {
        let levels = "must be High, Medium or Low";
        let orders = "must be score, expected_value or priority";
        Self {
            limit: given.number("limit", LIMITS),
            min_score: given.number("min_score", SCORES),
            per_csm: given.number("per_csm", OF_EACH_CSM),
            confidence: given.parsed("confidence", levels, |text| text.parse().ok()),
            sort: given.parsed("sort", orders, |text| Order::ALL.into_iter().find(|order| order.name() == text)),
            csm_id: given.text("csm_id").map(Id::from),
            segment: given.text("segment"),
            product_id: given.text("product_id"),
            q: given.text("q"),
            cursor: given.text("cursor"),
        }
    }
}

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ListAnswer {
    /// The run.
    pub run: RunView,
    /// The rows.
    pub data: Vec<ScoreView>,
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
        Ok((ListAnswer { run: page.run, data: page.data, next_cursor: page.next.map(seal) }, listed))
    }

    /// What the parameters of a caller ask for.
    fn request(&self, caller: &Principal, mut query: Query<ListParameters>) -> Result<ListRequest, Error> {
        let asked = query.asked.clone();
        let request = ListRequest {
            limit: asked.limit.unwrap_or(DEFAULT_LIMIT),
            csm_id: asked.csm_id,
            segment: asked.segment,
            product_id: asked.product_id,
            q: asked.q,
            min_score: asked.min_score.unwrap_or_default(),
            confidence: asked.confidence,
            order: asked.sort.unwrap_or_default(),
            per_csm: asked.per_csm,
            from: None,
        };
        query.given.refuse_all(request.wrong(caller));
        let cursor = asked.cursor.as_deref().map(|text| self.key.open(text));
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
