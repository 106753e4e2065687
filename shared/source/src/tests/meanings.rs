//! What rows mean beyond what their cells say: each habit of real exports with the right answer to it.

use expansion_domain::{Conventions, CustomerHistory, Instant, Stage};

use super::*;

/// A source of three customers and the given files, by path.
fn source(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    put(folder.path(), "customers/c.csv", "customer_id,created_at\nc1,2020-01-01\nc2,2020-01-01\nc3,2020-01-01\n");
    put(
        folder.path(),
        "expansion_opportunities/a.csv",
        "opportunity_id,customer_id,stage,created_at,closed_at\nbase,c3,won,2021-01-01,2021-02-01\n",
    );
    for (path, text) in files {
        put(folder.path(), path, text.replace("; ", "\n") + "\n");
    }
    folder
}

/// The first two customers, and what was said.
fn read_files(files: &[(&str, &str)]) -> ([CustomerHistory; 2], Vec<(String, u64)>) {
    let read = read_all(source(files).path()).expect("a good source");
    let said = of_rows(&read.issues).into_iter().map(|issue| (issue.reason, issue.count)).collect();
    let mut customers = read.data.customers.into_iter().filter(|customer| &*customer.customer_id != "c3");
    ([customers.next().expect("c1"), customers.next().expect("c2")], said)
}

fn said(reason: Reason, count: u64) -> (String, u64) {
    (reason.to_string(), count)
}

fn at(text: &str) -> Instant {
    text.parse().expect("an instant")
}

const DEALS: &str = "expansion_opportunities/b.csv";
const CONTRACTS: &str = "contracts/k.csv";

#[test]
fn stages_of_other_systems_are_understood() {
    let ([c1, c2], issues) = read_files(&[(
        DEALS,
        "opportunity_id,customer_id,stage,created_at,closed_at; a,c1,Closed Won,2021-01-01,2021-02-01; \
         b,c2,06_closed_lost,2021-01-01,2021-02-01; c,c2,Negotiation/Review,2021-01-01,2020-06-01",
    )]);
    assert_eq!((c1.opportunities[0].stage, c1.opportunities[0].closed_at), (Stage::Won, Some(at("2021-02-01"))));
    let stages: Vec<_> = c2.opportunities.iter().map(|deal| deal.stage).collect();
    assert_eq!(stages, [Stage::Lost, Stage::Open]);
    assert_eq!(issues, []);
}

#[test]
fn flags_say_what_the_words_of_an_owner_do_not() {
    let ([c1, c2], issues) = read_files(&[(
        DEALS,
        "opportunity_id,customer_id,stage,created_at,closed_at,is_won,is_closed; \
         a,c1,Signed,2021-01-01,2021-02-01,true,true; b,c2,Signed,2021-01-01,2021-02-01,false,true; \
         c,c2,Closed Won,2021-01-03,2021-02-01,false,false",
    )]);
    assert_eq!(c1.opportunities[0].stage, Stage::Won);
    let stages: Vec<_> = c2.opportunities.iter().map(|deal| deal.stage).collect();
    assert_eq!(stages, [Stage::Lost, Stage::Open]);
    assert_eq!(issues, []);
}

#[test]
fn a_closed_deal_of_an_unknown_stage_is_said_and_every_word_is_counted() {
    let folder = source(&[(
        DEALS,
        "opportunity_id,customer_id,stage,created_at,closed_at; a,c1,Deal Signed,2021-01-01,2021-02-01; \
         b,c2,Deal signed,2021-06-01,2021-12-01; c,c2,proposal,2021-01-01,2021-02-01",
    )]);
    let read = read_all(folder.path()).expect("a good source");
    let issue = &read.issues[0];
    assert_eq!((&*issue.reason, issue.count), (&*Reason::UnknownStage.to_string(), 1));
    assert_eq!(issue.example, "expansion_opportunities/b.csv:2: stage is \"deal signed\"");
    let words: Vec<_> = read.words.iter().map(|seen| (seen.word.as_deref(), &*seen.taken_for, seen.rows)).collect();
    let unknown = "open, as the word is unknown";
    assert_eq!(words, [(Some("deal signed"), unknown, 2), (Some("proposal"), "open", 1), (Some("won"), "won", 1)]);
}

#[test]
fn only_expansions_count_as_expansions() {
    let ([c1, c2], issues) = read_files(&[(
        DEALS,
        "opportunity_id,customer_id,stage,amount,type,created_at,closed_at; \
         a,c1,won,100,Renewal,2021-01-01,2021-02-01; b,c1,won,100,New Business,2021-01-01,2021-02-01; \
         c,c1,won,100,Upsell,2021-01-01,2021-02-01; d,c1,won,100,Special,2021-01-02,2021-02-01; \
         e,c2,won,100,Downsell,2021-01-01,2021-02-01; f,c2,won,-100,Upsell,2021-01-01,2021-02-01; \
         g,c2,won,100,,2021-01-01,2021-02-01",
    )]);
    let ids = |customer: &CustomerHistory| -> Vec<String> {
        customer.opportunities.iter().map(|deal| deal.opportunity_id.to_string()).collect()
    };
    assert_eq!((ids(&c1), ids(&c2)), (vec!["c".to_owned(), "d".to_owned()], vec!["g".to_owned()]));
    assert_eq!(
        issues,
        [
            said(Reason::Renewal, 1),
            said(Reason::NewBusiness, 1),
            said(Reason::Contraction, 2),
            said(Reason::UnknownDealType, 1)
        ]
    );
}

#[test]
fn a_table_of_renewals_alone_has_no_expansion() {
    let folder = source(&[]);
    put(
        folder.path(),
        "expansion_opportunities/a.csv",
        "opportunity_id,customer_id,stage,deal_type,created_at,closed_at\no,c1,won,renewal,2021-01-01,2021-02-01\n",
    );
    let error = read_all(folder.path()).expect_err("nothing to learn from").to_string();
    assert_eq!(error, "the required table expansion_opportunities has no usable row (1 read)");
}

#[test]
fn deleted_rows_do_not_count() {
    let header = "opportunity_id,customer_id,stage,created_at,closed_at";
    for (column, gone, there) in [
        ("is_deleted", "true", "false"),
        ("_fivetran_deleted", "TRUE", "FALSE"),
        ("_sdc_deleted_at", "2021-03-01T00:00:00Z", ""),
        ("deleted_at", "2021-03-01", ""),
        ("deleted_at", "1", "0"),
        ("archived", "yes", "no"),
    ] {
        let rows =
            format!("{header},{column}; a,c1,won,2021-01-01,2021-02-01,{gone}; b,c2,won,2021-01-01,2021-02-01,{there}");
        let ([c1, c2], issues) = read_files(&[(DEALS, &rows)]);
        assert_eq!((c1.opportunities.len(), c2.opportunities.len()), (0, 1), "{column}");
        assert_eq!(issues, [said(Reason::Deleted, 1)], "{column}");
    }
    let ([c1, c2], issues) = read_files(
        &[
            ("usage_metrics/u.csv", "customer_id,recorded_at,metric,value,is_deleted; c1,2021-01-01,m,1,t"),
            ("health_score_history/h.csv", "customer_id,recorded_at,score,is_deleted; c1,2021-01-01,50,true"),
            ("expansion_signals/s.csv", "customer_id,detected_at,kind,deleted_at; c1,2021-01-01,k,2021-02-01"),
            ("engagements/e.csv", "customer_id,occurred_at,_deleted; c1,2021-01-01,true; c2,2021-01-01,false"),
            ("stakeholders/p.csv", "stakeholder_id,customer_id,recorded_at,deleted; p,c1,2021-01-01,true"),
            (CONTRACTS, "contract_id,customer_id,start_date,isdeleted; k,c1,2021-01-01,1"),
        ]
        .map(|(path, text)| {
            (path, if path.starts_with("usage") { text.replace(",t", ",true") } else { text.to_owned() })
        })
        .each_ref()
        .map(|(path, text)| (*path, &**text)),
    );
    assert_eq!(c1, CustomerHistory::new("c1".into(), at("2020-01-01")));
    assert_eq!(c2.engagements.len(), 1);
    assert_eq!(issues, vec![said(Reason::Deleted, 1); 6]);
}

#[test]
fn the_facts_of_a_deleted_customer_are_no_strangers() {
    let ([c1, _], issues) = read_files(&[
        (
            "customers/c.csv",
            "customer_id,created_at,is_deleted; c0,2020-01-01,true; c1,2020-01-01,false; c2,2020-01-01,; c3,2020-01-01,",
        ),
        (DEALS, "opportunity_id,customer_id,stage,created_at,closed_at; a,c0,won,2021-01-01,2021-02-01"),
    ]);
    assert_eq!(&*c1.customer_id, "c1");
    assert_eq!(issues, [said(Reason::Deleted, 1), said(Reason::DeletedCustomer, 1)]);
}

#[test]
fn of_several_versions_the_newest_counts() {
    let header = "opportunity_id,customer_id,stage,created_at,closed_at,updated_at";
    let open = "a,c1,open,2021-01-01,,2021-01-02T08:00:00Z";
    let won = "a,c1,won,2021-01-01,2021-02-01,2021-02-01T23:00:00Z";
    for rows in [format!("{header}; {open}; {won}"), format!("{header}; {won}; {open}")] {
        let ([c1, _], issues) = read_files(&[(DEALS, &rows)]);
        assert_eq!((c1.opportunities.len(), c1.opportunities[0].stage), (1, Stage::Won));
        assert_eq!(issues, [said(Reason::OlderVersion, 1)]);
    }
    // Deleted after it was won; and undeleted after that.
    let header = format!("{header},is_deleted");
    let (won, deleted) = (format!("{won},false"), "a,c1,won,2021-01-01,2021-02-01,2021-03-01,true");
    let ([c1, _], issues) = read_files(&[(DEALS, &format!("{header}; {deleted}; {won}"))]);
    assert_eq!(c1.opportunities.len(), 0);
    assert_eq!(issues, [said(Reason::Deleted, 1), said(Reason::OlderVersion, 1)]);
    let undeleted = "a,c1,won,2021-01-01,2021-02-01,2021-04-01,false";
    let ([c1, _], _) = read_files(&[(DEALS, &format!("{header}; {deleted}; {won}; {undeleted}"))]);
    assert_eq!(c1.opportunities.len(), 1);
}

#[test]
fn without_a_time_the_last_file_and_row_count_in_every_table_with_ids() {
    let ([c1, c2], issues) = read_files(&[
        ("customers/d.csv", "customer_id,created_at,name,is_deleted; c1,2020-01-01,Old,; c1,2020-01-01,Acme,"),
        ("expansion_opportunities/2026-06-29.csv", "opportunity_id,customer_id,stage,created_at; a,c1,open,2021-01-01"),
        (
            "expansion_opportunities/2026-06-30.csv",
            "opportunity_id,customer_id,stage,created_at,closed_at; a,c2,won,2021-01-01,2021-02-01",
        ),
        (CONTRACTS, "contract_id,customer_id,quantity,start_date; k,c1,5,2021-01-01; k,c1,10,2021-01-01"),
        ("stakeholders/p.csv", "stakeholder_id,customer_id,title,recorded_at; p,c1,VP,2021-01-01; p,c1,CEO,2021-01-01"),
    ]);
    assert_eq!(c1.name.as_deref(), Some("Acme"));
    assert_eq!((c1.opportunities.len(), c2.opportunities[0].stage), (0, Stage::Won), "the deal was moved");
    assert_eq!(c1.contracts[0].quantity, Some(10.0));
    assert_eq!(c1.stakeholders[0].title.as_deref(), Some("CEO"));
    let older = said(Reason::OlderVersion, 1);
    assert_eq!(issues, [said(Reason::OlderVersion, 2), older.clone(), older.clone(), older]);
}

#[test]
fn a_deal_of_several_lines_is_one_deal_of_several_products() {
    let header = "opportunity_id,customer_id,product_id,stage,amount,created_at,closed_at";
    let (small, large) = ("a,c1,p1,won,100,2021-01-01,2021-02-01", "a,c1,p2,won,300,2021-01-01,2021-02-01");
    let expected = |files: &[(&str, &str)], also: &[(String, u64)]| {
        let ([c1, _], issues) = read_files(files);
        let [deal] = &*c1.opportunities else { panic!("one deal") };
        assert_eq!((deal.amount, deal.product_id.as_deref()), (Some(400.0), Some("p2")));
        assert_eq!(deal.products().map(|id| &**id).collect::<Vec<_>>(), ["p2", "p1"]);
        let mut said_of_all = also.to_vec();
        said_of_all.push(said(Reason::FurtherLine, 1));
        assert_eq!(issues, said_of_all);
    };
    expected(&[(DEALS, &format!("{header}; {small}; {large}"))], &[]);
    expected(&[(DEALS, &format!("{header}; {large}; {small}"))], &[]);
    // Lines may come in different files, and files may tell all of them again.
    let (first, second) = (format!("{header}; {small}"), format!("{header}; {large}"));
    let both = format!("{header}; {small}; {large}");
    expected(&[(DEALS, &first), ("expansion_opportunities/c.csv", &second)], &[]);
    expected(&[(DEALS, &both), ("expansion_opportunities/c.csv", &both)], &[said(Reason::Repeated, 2)]);
    let before = both.replace(",100,", ",90,");
    expected(
        &[(DEALS, &before), ("expansion_opportunities/c.csv", &both)],
        &[said(Reason::OlderVersion, 1), said(Reason::Repeated, 1)],
    );
    // With a time of change, another product is another version.
    let versions = format!("{header},updated_at; {large},2021-02-02; {small},2021-02-01");
    let ([c1, _], issues) = read_files(&[(DEALS, &versions)]);
    assert_eq!((c1.opportunities[0].amount, c1.opportunities[0].other_products.len()), (Some(300.0), 0));
    assert_eq!(issues, [said(Reason::OlderVersion, 1)]);
}

#[test]
fn a_contract_of_several_lines_keeps_them() {
    let ([c1, _], issues) = read_files(&[(
        CONTRACTS,
        "contract_id,customer_id,product_id,quantity,start_date; k,c1,p1,5,2021-01-01; k,c1,p2,10,2021-01-01",
    )]);
    let mut lines: Vec<_> = c1.contracts.iter().map(|line| (line.product_id.as_deref(), line.quantity)).collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(lines, [(Some("p1"), Some(5.0)), (Some("p2"), Some(10.0))]);
    assert_eq!(issues, [said(Reason::FurtherLine, 1)]);
}

#[test]
fn a_source_delivered_twice_is_the_source() {
    let tables = every_table();
    let once = read_all(folder_of(&tables).path()).expect("a good source");
    let folder = folder_of(&tables);
    for (table, rows) in &tables {
        put(folder.path(), &format!("{table}/again.csv"), csv(rows));
    }
    let twice = read_all(folder.path()).expect("a good source");
    assert_eq!(twice.data, once.data);
    let said: Vec<_> = twice.issues.iter().map(|issue| (issue.table, &*issue.reason, issue.count)).collect();
    let repeated = Reason::Repeated.to_string();
    let all: Vec<_> = tables.iter().map(|(table, rows)| (*table, &*repeated, rows.len() as u64 - 1)).collect();
    assert_eq!(said, all);
}

#[test]
fn one_row_a_login_is_the_daily_sum() {
    let rows = "c1,2021-01-01,logins,1; c1,2021-01-01,logins,1; c1,2021-01-01,logins,1; c1,2021-01-02,logins,1";
    let ([c1, _], issues) =
        read_files(&[("usage_metrics/u.csv", &format!("customer_id,recorded_at,metric,value; {rows}"))]);
    let readings: Vec<_> = c1.usage[0].readings.iter().map(|reading| (reading.at, reading.value)).collect();
    assert_eq!(readings, [(at("2021-01-01"), 3.0), (at("2021-01-02"), 1.0)]);
    assert_eq!(issues, [said(Reason::SameTime, 2)]);
}

#[test]
fn equal_signals_of_one_file_count_each_and_are_said() {
    let rows = "customer_id,detected_at,kind; c1,2021-01-01,k; c1,2021-01-01,k; c1,2021-01-02,k";
    let ([c1, _], issues) = read_files(&[("expansion_signals/a.csv", rows), ("expansion_signals/b.csv", rows)]);
    assert_eq!(c1.signals.len(), 3);
    assert_eq!(issues, [said(Reason::Repeated, 3), said(Reason::EqualRows, 1)]);
}

#[test]
fn the_last_day_of_a_contract_is_the_day_before_the_next() {
    let header = "contract_id,customer_id,product_id,start_date,end_date";
    let ([c1, c2], issues) = read_files(&[(
        CONTRACTS,
        &format!("{header}; a,c1,p,2021-01-01,2022-01-01; b,c1,p,2022-01-01,2023-01-01; c,c2,p,2021-01-01,2022-01-01"),
    )]);
    let ends: Vec<_> = c1.contracts.iter().chain(&c2.contracts).map(|contract| contract.end_date).collect();
    assert_eq!(ends, ["2021-12-31", "2022-12-31", "2021-12-31"].map(|day| Some(at(day))));
    assert_eq!(c1.contracts.iter().filter(|contract| contract.in_force(at("2022-01-01"))).count(), 1);
    assert_eq!(issues, [said(Reason::ExclusiveEnd, 3)]);
    // Where last days are meant, and where a day's last second is written, nothing is moved.
    let ([c1, _], issues) = read_files(&[(
        CONTRACTS,
        &format!("{header}; a,c1,p,2021-01-01,2021-12-31T23:59:59Z; b,c1,p,2022-01-01,2022-12-31"),
    )]);
    assert_eq!(c1.contracts[0].end_date, Some(at("2021-12-31")));
    assert_eq!(issues, []);
}

#[test]
fn a_quantity_without_limit_keeps_the_contract() {
    for unlimited in ["-1", "-1.0", "unlimited", "Infinity", "999999", "2147483647", "5000000"] {
        let ([c1, c2], issues) = read_files(&[
            ("products/p.csv", "product_id,kind; p,seats; q,usage"),
            (
                CONTRACTS,
                &format!(
                    "contract_id,customer_id,product_id,quantity,start_date; k,c1,p,{unlimited},2021-01-01; \
                     l,c2,q,5000001,2021-01-01; m,c2,p,9999,2021-01-01"
                ),
            ),
        ]);
        assert!(c1.contracts[0].is_unlimited(), "{unlimited}");
        assert!(c2.contracts.iter().all(|contract| !contract.is_unlimited()), "calls, or a large company");
        assert_eq!(issues, [said(Reason::Unlimited, 1)], "{unlimited}");
    }
}

#[test]
fn a_customer_who_came_back_counts_from_when_that_showed() {
    let ([c1, c2], issues) = read_files(&[
        (
            "customers/c.csv",
            "customer_id,created_at,churned_at; c1,2020-01-01,2021-03-31; c2,2020-01-01,2021-03-31; c3,2020-01-01,",
        ),
        (
            "usage_metrics/u.csv",
            "customer_id,recorded_at,metric,value; c1,2021-04-15,m,1; c1,2021-06-01,m,0; c1,2021-06-08,m,3; \
             c2,2021-04-15,m,1; c2,2022-01-01,m,0",
        ),
    ]);
    assert_eq!((c1.returned_at, c2.returned_at), (Some(at("2021-06-08")), None));
    let is_customer = |customer: &CustomerHistory, day: &str| customer.known(at(day)).is_some();
    assert!(is_customer(&c1, "2021-03-30") && !is_customer(&c1, "2021-06-07") && is_customer(&c1, "2021-06-08"));
    assert!(!is_customer(&c2, "2022-02-01"), "what comes in late is of the time before");
    assert_eq!(issues, [said(Reason::Returned, 1)]);
}

#[test]
fn a_row_that_was_made_later_than_its_deal_is_no_bad_row() {
    let ([c1, c2], issues) = read_files(&[
        (
            "customers/c.csv",
            "customer_id,created_at,churned_at; c1,2020-01-01,; c2,2022-01-01,2021-06-01; c3,2020-01-01,",
        ),
        (
            DEALS,
            "opportunity_id,customer_id,stage,created_at,closed_at; a,c1,won,2025-07-01T03:12:00Z,2021-02-01; \
             b,c1,won,2021-05-03T14:51:13Z,2021-05-03",
        ),
    ]);
    let times: Vec<_> = c1.opportunities.iter().map(|deal| (deal.created_at, deal.closed_at)).collect();
    let (day, time) = (at("2021-02-01"), at("2021-05-03T14:51:13Z"));
    assert_eq!(times, [(day, Some(day)), (time, Some(time))]);
    assert_eq!(c2.created_at, at("2021-06-01"));
    assert_eq!(issues, [said(Reason::ChurnedBeforeCreated, 1), said(Reason::ClosedBeforeCreated, 1)]);
}

#[test]
fn years_that_were_hardly_meant_are_kept_and_said() {
    let ([c1, _], issues) = read_files(&[
        ("customers/c.csv", "customer_id,created_at; c1,0024-05-01; c2,1970-01-01; c3,2020-01-01"),
        (DEALS, "opportunity_id,customer_id,stage,created_at,closed_at; a,c1,won,2021-01-01,2206-01-05"),
    ]);
    assert_eq!(c1.opportunities[0].closed_at, Some(at("2206-01-05")));
    assert_eq!(issues, [said(Reason::ImplausibleDate, 2), said(Reason::ImplausibleDate, 1)]);
}

#[test]
fn amounts_of_different_currencies_are_kept_apart() {
    let rows = "opportunity_id,customer_id,stage,amount,currency,created_at,closed_at; \
         a,c1,won,100,USD,2021-01-01,2021-02-01; b,c1,won,200,usd,2021-01-02,2021-02-01; \
         c,c2,won,15500,JPY,2021-01-01,2021-02-01; d,c2,won,7,,2021-01-02,2021-02-01";
    let amounts =
        |customer: &CustomerHistory| -> Vec<_> { customer.opportunities.iter().map(|deal| deal.amount).collect() };
    let folder = source(&[
        (DEALS, rows),
        (
            CONTRACTS,
            "contract_id,customer_id,annual_value,currency,start_date; k,c2,5,JPY,2021-01-01; l,c2,6,USD,2021-01-02; \
             m,c1,5,JPY,2021-01-01; n,c1,5,JPY,2021-01-01",
        ),
    ]);
    let read = read_all(folder.path()).expect("a good source");
    let (c1, c2) = (&read.data.customers[0], &read.data.customers[1]);
    assert_eq!((amounts(c1), amounts(c2)), (vec![Some(100.0), Some(200.0)], vec![None, Some(7.0)]));
    assert_eq!(read.conventions.currency.as_deref(), Some("USD"), "that of the deals");
    let values: Vec<_> = c2.contracts.iter().map(|contract| contract.annual_value).collect();
    assert_eq!(values, [None, Some(6.0)]);
    let found: Vec<_> =
        of_rows(&read.issues).iter().map(|issue| (issue.table, issue.reason.clone(), issue.count)).collect();
    assert_eq!(
        found,
        [
            (Table::Contracts, Reason::ForeignCurrency.to_string(), 3),
            (Table::ExpansionOpportunities, Reason::ForeignCurrency.to_string(), 1),
            (Table::ExpansionOpportunities, Reason::NoCurrency.to_string(), 1),
        ]
    );
}

#[test]
fn both_forms_of_a_salesforce_id_are_one() {
    let ([c1, _], issues) = read_files(&[
        ("customers/c.csv", "customer_id,created_at; 00130000001OODYAA4,2020-01-01; c2,2020-01-01; c3,2020-01-01"),
        ("products/p.csv", "product_id,kind; a0FB00000099lxaMAA,add_on"),
        (
            DEALS,
            "opportunity_id,customer_id,product_id,stage,created_at,closed_at; \
             00D000000000062EAA,00130000001OODY,a0FB00000099lxa,open,2021-01-01,",
        ),
        (
            "expansion_opportunities/c.csv",
            "opportunity_id,customer_id,product_id,stage,created_at,closed_at; \
             00D000000000062,00130000001OODYAA4,a0FB00000099lxaMAA,won,2021-01-01,2021-02-01",
        ),
    ]);
    assert_eq!(&*c1.customer_id, "00130000001OODYAA4");
    let [deal] = &*c1.opportunities else { panic!("one deal") };
    assert_eq!((deal.stage, deal.product_id.as_deref()), (Stage::Won, Some("a0FB00000099lxaMAA")));
    assert_eq!(issues, [said(Reason::OlderVersion, 1)]);
}

#[test]
fn strangers_in_optional_tables_are_counted_and_tolerated() {
    let usage =
        ("usage_metrics/u.csv", "customer_id,recorded_at,metric,value; free1,2021-01-01,m,1; c1,2021-01-01,m,1");
    let (_, issues) = read_files(&[usage]);
    assert_eq!(issues, [said(Reason::UnknownCustomer, 1)]);
    let deals = "opportunity_id,customer_id,stage,created_at,closed_at; a,free1,won,2021-01-01,2021-02-01";
    let error = read_all(source(&[(DEALS, deals)]).path()).expect_err("half of the deals are lost");
    assert!(matches!(error, SourceError::TooManyBadRows { table: Table::ExpansionOpportunities, .. }), "{error}");
}

/// Scores of so many customers, from 0 to `full`.
fn scores(full: f64) -> String {
    let rows = (0..30).map(|i| format!("c{},2021-01-{:02},{}", 1 + i % 3, 1 + i, full * f64::from(i) / 29.0));
    format!("customer_id,recorded_at,score; {}", rows.collect::<Vec<_>>().join("; "))
}

#[test]
fn health_on_another_scale_is_a_share_of_a_hundred() {
    let ([whole, _], issues) = read_files(&[("health_score_history/h.csv", &scores(100.0))]);
    assert_eq!(issues, []);
    for full in [10.0, 5.0, 1.0] {
        let folder = source(&[("health_score_history/h.csv", &scores(full))]);
        let read = read_all(folder.path()).expect("a good source");
        let same = read.data.customers[0].health.iter().zip(&whole.health);
        assert!(same.clone().count() == 10 && same.clone().all(|(a, b)| (a.value - b.value).abs() < 1e-9), "{full}");
        assert_eq!((&*read.issues[0].reason, read.issues[0].count), (&*Reason::HealthScale.to_string(), 30));
        assert_eq!(read.issues[0].example, format!("from 0 to {full}"));
    }
    let ([c1, _], issues) = read_files(&[("health_score_history/h.csv", &scores(3.0))]);
    assert_eq!(c1.health, [], "no threshold on a scale that nobody knows");
    assert_eq!(issues, [said(Reason::UnknownHealthScale, 30)]);
}

#[test]
fn a_shard_is_read_by_what_the_whole_showed() {
    let conventions = Conventions { full_health: Some(10.0), exclusive_ends: true, ..Conventions::default() };
    let folder = source(&[
        ("health_score_history/h.csv", "customer_id,recorded_at,score; c1,2021-01-01,7.5"),
        (CONTRACTS, "contract_id,customer_id,start_date,end_date; k,c1,2021-01-01,2022-01-01"),
    ]);
    let read = read_shard_by(folder.path(), None, Limits::default(), Some(&conventions)).expect("a good source");
    let score = |read: &Read| read.data.customers[0].health[0].value.to_string();
    assert_eq!(score(&read), "75");
    assert_eq!(read.data.customers[0].contracts[0].end_date, Some(at("2021-12-31")));
    assert_eq!(read.conventions, conventions);
    let alone = read_all(folder.path()).expect("a good source");
    assert_eq!(score(&alone), "7.5", "one score says nothing of a scale");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn delivering_every_table_again_in_another_file_changes_nothing(
        usage in prop::collection::vec((1..4u8, 1..28u8, 0..3u8, 0..3u16), 0..40),
        touches in prop::collection::vec((1..4u8, 1..6u8, 0..2u8), 0..20),
        deals in prop::collection::vec((0..6u8, 1..4u8, 0..3u8, 0..3u8), 0..12),
    ) {
        let mut readings = "customer_id,recorded_at,metric,value".to_owned();
        for (id, day, metric, value) in &usage {
            let _ = write!(readings, "; c{id},2021-01-{day:02},m{metric},{value}");
        }
        let mut engagements = "customer_id,occurred_at,kind".to_owned();
        for (id, day, kind) in &touches {
            let _ = write!(engagements, "; c{id},2021-01-{day:02},k{kind}");
        }
        let mut opportunities = "opportunity_id,customer_id,stage,product_id,amount,created_at,closed_at".to_owned();
        for (id, day, stage, product) in &deals {
            let stage = ["won", "lost", "open"][usize::from(*stage)];
            let owner = 1 + id % 3;
            let _ = write!(opportunities, "; o{id},c{owner},{stage},p{product},{day},2021-01-01,2021-01-0{day}");
        }
        let tables = [
            ("usage_metrics", readings), ("engagements", engagements), ("expansion_opportunities", opportunities),
        ];
        let once: Vec<_> = tables.iter().map(|(table, text)| (format!("{table}/f1.csv"), &**text)).collect();
        let again: Vec<_> = tables.iter().map(|(table, text)| (format!("{table}/f2.csv"), &**text)).collect();
        let borrowed = |files: &[(String, &str)]| -> SourceData {
            let files: Vec<_> = files.iter().map(|(path, text)| (&**path, *text)).collect();
            read_all(source(&files).path()).expect("a good source").data
        };
        let twice: Vec<_> = once.iter().chain(&again).cloned().collect();
        prop_assert_eq!(borrowed(&once), borrowed(&twice));
    }
}
