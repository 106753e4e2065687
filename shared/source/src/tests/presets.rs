use std::path::PathBuf;

use expansion_domain::{CustomerHistory, Instant};

use super::*;

/// The fixture of a system's export.
fn export(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "exports", name].iter().collect()
}

/// All that was read of a source, a line for each fact.
fn told(data: &SourceData) -> Vec<String> {
    let products = data.products.iter().map(|product| {
        let known = [product.name.as_deref(), product.kind.as_deref(), product.unit.as_deref()];
        format!("product {} {}", product.product_id, known.map(said).join("/"))
    });
    products.chain(data.customers.iter().flat_map(told_of)).collect()
}

fn told_of(customer: &CustomerHistory) -> Vec<String> {
    let id = |id: Option<&expansion_domain::Id>| said(id.map(|id| &**id)).to_owned();
    let day = |at: Option<Instant>| at.map_or("-".to_owned(), |at| at.to_string());
    let number = |number: Option<f64>| number.map_or("-".to_owned(), |number| number.to_string());
    let known = [&customer.name, &customer.industry, &customer.region, &customer.csm_id];
    let known = known.map(|text| said(text.as_deref())).join("/");
    let mut told = vec![format!("{} {known} since {}", customer.customer_id, customer.created_at)];
    told.extend(customer.opportunities.iter().map(|deal| {
        let products: Vec<_> = deal.products().map(|product| &**product).collect();
        let (stage, amount, products) = (deal.stage, number(deal.amount), products.join("+"));
        let times = format!("{} to {}", deal.created_at, day(deal.closed_at));
        format!("  {stage:?} {} {times} {amount} [{products}]", deal.opportunity_id)
    }));
    told.extend(customer.contracts.iter().map(|contract| {
        let what = [id(contract.product_id.as_ref()), number(contract.quantity), number(contract.annual_value)];
        let times = format!("{} to {}", contract.start_date, day(contract.end_date));
        format!("  contract {} {times} {}", contract.contract_id, what.join("/"))
    }));
    told.extend(customer.stakeholders.iter().map(|person| {
        let known = [&person.name, &person.title, &person.role].map(|text| said(text.as_deref())).join("/");
        format!("  person {} {known} from {}", person.stakeholder_id, person.recorded_at)
    }));
    told.extend(customer.engagements.iter().map(|contact| {
        let who = id(contact.stakeholder_id.as_ref());
        format!("  {} {} {who}", id(contact.kind.as_ref()), contact.occurred_at)
    }));
    told
}

fn said(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

/// Which rows don't count, and why: `table: reason count, …`.
fn left_out(read: &Read) -> Vec<String> {
    let of_files = [Reason::ColumnInSomeFiles, Reason::NearColumn].map(|reason| reason.to_string());
    let mut tables: Vec<(Table, Vec<String>)> = Vec::new();
    for issue in read.issues.iter().filter(|issue| !of_files.contains(&issue.reason)) {
        let said = format!("{} {}", issue.reason, issue.count);
        match tables.last_mut().filter(|(table, _)| *table == issue.table) {
            Some((_, reasons)) => reasons.push(said),
            None => tables.push((issue.table, vec![said])),
        }
    }
    tables.into_iter().map(|(table, reasons)| format!("{table}: {}", reasons.join(", "))).collect()
}

#[test]
fn a_folder_of_salesforce_objects_is_a_source() {
    let read = read_all(&export("salesforce")).expect("a source");
    let expected = "\
product 01t5g00000P0aaSAAR Seats/-/Seat
product 01t5g00000P0bbPAAR Premium Support/-/-
0015g00000KxAaAAAV Acme Corp/Manufacturing/Germany/0055g00000U0aQmAAJ since 2022-01-31T00:00:00Z
  Won 0065g00000D0aaCAAR 2024-02-10T09:15:30Z to 2024-05-15T00:00:00Z 12000 [01t5g00000P0aaSAAR+01t5g00000P0bbPAAR]
  Open 0065g00000D0aaDAAR 2026-05-20T09:15:30Z to - 7000.5 []
  contract 02i5g00000T0aaAAAR 2022-02-01T00:00:00Z to - 01t5g00000P0aaSAAR/500/-
  contract 8005g00000K0aaAAAR 2023-02-01T00:00:00Z to 2024-01-31T00:00:00Z -/-/-
  person 0035g00000C0aaAAAR Eva Berg/CIO/- from 2021-06-01T08:00:00Z
  call 2026-05-02T14:00:00Z 0035g00000C0aaAAAR
  email 2026-05-03T00:00:00Z 0035g00000C0aaAAAR
0015g00000KxbBbAAJ Bolt, Inc./Retail/United States/0055g00000U0aQmAAJ since 2023-02-28T00:00:00Z
  Lost 0065g00000D0bbBAAR 2024-04-01T09:15:30Z to 2024-07-01T00:00:00Z 3000 []
  Won 0065g00000D0bbCAAR 2024-11-05T09:15:30Z to 2024-11-05T09:15:30Z 4000 [01t5g00000P0bbPAAR]
  contract 8005g00000K0bbAAAR 2023-03-01T00:00:00Z to - -/-/-
  person 0035g00000C0bbAAAR Luis Diaz/-/- from 2022-09-01T08:00:00Z
  meeting 2026-04-14T10:00:00Z 0035g00000C0bbAAAR
0015g00000KxdDdAAJ Delta SA/Energy/France/- since 2020-05-05T23:30:00Z
  ticket 2026-02-02T16:45:10Z -
0015g00000KxfFfAAJ Foxtrot/Banking/Spain/0055g00000U0aQmAAJ since 2019-11-20T08:00:00Z
  Won 0065g00000D0ffAAAR 2024-01-05T09:15:30Z to 2024-03-20T00:00:00Z 15000 []";
    assert_eq!(told(&read.data), expected.lines().collect::<Vec<_>>());
    let expected = "\
customers: left out by source.yaml 1, marked as deleted 1
contracts: left out by source.yaml 2
expansion_opportunities: left out by source.yaml 2, of an account that is no customer 1, deal from before the account was \
                    a customer 1, marked as deleted 1, of a deleted customer 1, further line of a deal or contract, added \
                    to it 1, renewal, no expansion 1, new business, no expansion 1
stakeholders: left out by source.yaml 1, of an account that is no customer 1
engagements: left out by source.yaml 4, of an account that is no customer 1";
    assert_eq!(left_out(&read), expected.lines().collect::<Vec<_>>());
}

#[test]
fn hubspot_is_read_alike_from_its_own_export_and_from_connectors() {
    for (name, owner) in [("hubspot-csv", "Ann Frank"), ("hubspot-api", "77")] {
        let read = read_all(&export(name)).expect(name);
        let expected = format!(
            "\
product 501 Seats/-/-
product 502 Premium Support/service/-
101 Acme Corp/MANUFACTURING/Germany/{owner} since 2022-01-31T10:00:00Z
  Won 202 2024-02-10T09:15:00Z to 2024-05-15T16:30:00Z 12000 [501+502]
  Open 203 2026-05-20T09:15:00Z to - 7000.5 []
  person 301 Berg/CIO/champion from 2021-06-01T07:00:00Z
  meeting 2026-04-14T10:00:00Z -
  email 2026-05-03T08:00:00Z -
102 Bolt, Inc./RETAIL/United States/{owner} since 2023-02-28T12:00:00Z
  Lost 205 2024-04-01T09:15:00Z to 2024-07-01T12:00:00Z 3000 []
  Won 206 2024-10-05T09:15:00Z to 2024-11-05T12:00:00Z 4000 [502]
  person 302 Diaz/-/executive from 2022-09-01T07:00:00Z
  call 2026-05-02T14:00:00Z -
  note 2026-05-04T08:00:00Z -
104 Delta SA/OIL_ENERGY/France/- since 2021-02-01T09:00:00Z
  ticket 2026-02-02T16:45:00Z -"
        );
        assert_eq!(told(&read.data), expected.lines().collect::<Vec<_>>(), "{name}");
        let deleted = if name == "hubspot-api" { ", marked as deleted 1" } else { "" };
        let expected = format!(
            "\
customers: left out by source.yaml 1{deleted}
expansion_opportunities: left out by source.yaml 1, of an account that is no customer 1, deal from before the account was \
                    a customer 1, further line of a deal or contract, added to it 1, new business, no expansion 1
stakeholders: left out by source.yaml 1
engagements: left out by source.yaml 2"
        );
        assert_eq!(left_out(&read), expected.lines().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_folder_of_dynamics_tables_is_a_source() {
    let read = read_all(&export("dynamics")).expect("a source");
    let expected = "\
product 0000000b-0000-4000-8000-000000000001 Seats/-/-
product 0000000b-0000-4000-8000-000000000002 Premium Support/service/-
0000000a-0000-4000-8000-000000000001 Acme Corp/Consumer Services/Germany/0000000d-0000-4000-8000-000000000001 since 2022-01-31T00:00:00Z
  Won 00000000-0000-4000-8000-000000000002 2024-02-10T09:15:30Z to 2024-05-15T00:00:00Z 12000 [0000000b-0000-4000-8000-000000000001+0000000b-0000-4000-8000-000000000002]
  Open 00000000-0000-4000-8000-000000000003 2026-05-20T09:15:30Z to - 7000.5 []
  contract 0000000f-0000-4000-8000-000000000001 2023-02-01T00:00:00Z to 2024-01-31T00:00:00Z -/-/-
  person 0000000c-0000-4000-8000-000000000001 Eva Berg/CIO/- from 2021-06-01T07:00:00Z
  call 2026-05-02T14:00:00Z -
  email 2026-05-03T08:00:00Z -
0000000a-0000-4000-8000-000000000002 Bolt, Inc./-/United States/0000000d-0000-4000-8000-000000000001 since 2023-02-28T00:00:00Z
  Lost 00000000-0000-4000-8000-000000000005 2024-04-01T09:15:30Z to 2024-07-01T00:00:00Z 0 []
  Won 00000000-0000-4000-8000-000000000006 2024-10-05T09:15:30Z to 2024-11-05T00:00:00Z 4000 [0000000b-0000-4000-8000-000000000002]
  person 0000000c-0000-4000-8000-000000000002 Luis Diaz/-/- from 2022-09-01T07:00:00Z
  meeting 2026-04-14T10:00:00Z -
0000000a-0000-4000-8000-000000000004 Delta SA/-/France/- since 2020-05-05T23:30:00Z
  ticket 2026-02-02T16:45:10Z -";
    assert_eq!(told(&read.data), expected.lines().collect::<Vec<_>>());
    let expected = "\
customers: left out by source.yaml 2
contracts: left out by source.yaml 1
expansion_opportunities: left out by source.yaml 1, of an account that is no customer 2, deal from before the account was \
                    a customer 2, further line of a deal or contract, added to it 1
stakeholders: left out by source.yaml 1
engagements: left out by source.yaml 3";
    assert_eq!(left_out(&read), expected.lines().collect::<Vec<_>>());
}

#[test]
fn line_items_are_the_products_of_their_deals() {
    let mapping = "
tables:
  expansion_opportunities:
    - {files: expansion_opportunities}
    - {files: items, rows: line_items}
";
    let folder = folder_of(&vec![
        table(Table::Customers, &["customer_id,created_at", "c1,2020-01-01"]),
        table(
            Table::ExpansionOpportunities,
            &[
                "opportunity_id,customer_id,stage,amount,created_at,closed_at",
                "o1,c1,won,100,2021-01-01,2021-02-01",
                "o2,c1,won,,2021-01-02,2021-02-01",
                "o3,c1,won,,2021-01-03,2021-02-01",
                "o4,c1,won,7,2021-01-04,2021-02-01",
            ],
        ),
    ]);
    put(folder.path(), "source.yaml", mapping);
    let mut items = "opportunity_id,product_id,amount\n".to_owned();
    items.push_str("o1,p1,30\no1,p2,40\no1,p1,20\no2,p1,30\no2,p2,\no3,p1,30\no3,p2,40\no9,p1,1\n");
    items.push_str(&"o9,p1,1\n".repeat(20));
    items.push_str("o4,,1\n");
    put(folder.path(), "items/a.csv", items);
    let read = read_all(folder.path()).expect("a source");
    let deals: Vec<_> = read.data.customers[0]
        .opportunities
        .iter()
        .map(|deal| (&*deal.opportunity_id, deal.products().map(|product| &**product).collect::<Vec<_>>(), deal.amount))
        .collect();
    let expected = [
        // The deal's own amount holds; p1 is worth 50 in all.
        ("o1", vec!["p1", "p2"], Some(100.0)),
        // What one of the products is worth is unknown, so the whole is.
        ("o2", vec!["p1", "p2"], None),
        ("o3", vec!["p2", "p1"], Some(70.0)),
        ("o4", vec![], Some(7.0)),
    ];
    assert_eq!(deals, expected);
    let missing = read.issues.iter().find(|issue| issue.reason == Reason::MissingValue.to_string());
    let missing = missing.map(|issue| (issue.count, &*issue.example));
    assert_eq!(missing, Some((1, "items/a.csv:30: product_id is empty")));
}

#[test]
fn an_account_with_a_won_deal_is_a_customer_since_then() {
    let folder = folder_of(&vec![
        table(
            Table::Customers,
            &[
                "customer_id,created_at,kind",
                "c1,2019-01-01,prospect",
                "c2,2019-01-01,prospect",
                "c3,2019-01-01,customer",
                "c4,2019-01-01,prospect",
                "c5,2022-01-01,prospect",
            ],
        ),
        table(
            Table::ExpansionOpportunities,
            &[
                "opportunity_id,customer_id,stage,deal_type,created_at,closed_at,is_deleted",
                "o1,c1,won,,2020-01-01,2020-02-01,",
                "o2,c1,won,,2021-01-01,2021-02-01,",
                "o3,c1,lost,,2019-06-01,2019-07-01,",
                "o4,c2,won,,2021-01-01,2021-02-01,true",
                "o5,c3,lost,,2021-01-01,2021-02-01,",
                "o6,c4,won,upsell,2020-05-01,2020-06-01,",
                "o7,c5,won,renewal,2020-05-01,2020-06-01,",
                "o8,c5,won,,2023-05-01,2023-06-01,",
            ],
        ),
    ]);
    put(folder.path(), "source.yaml", "tables: {customers: {keep: {kind: customer}, won_deals: true}}");
    let read = read_all(folder.path()).expect("a source");
    let customers: Vec<_> = read
        .data
        .customers
        .iter()
        .map(|customer| {
            let deals: Vec<_> = customer.opportunities.iter().map(|deal| &*deal.opportunity_id).collect();
            (&*customer.customer_id, customer.created_at.to_string()[..10].to_owned(), deals)
        })
        .collect();
    let expected = [
        // What came before they were a customer made them one, or failed to.
        ("c1", "2020-02-01", vec!["o2"]),
        // No deal won, but said to be a customer.
        ("c3", "2019-01-01", vec!["o5"]),
        // The first deal won is of somebody who is a customer already.
        ("c4", "2019-01-01", vec!["o6"]),
        ("c5", "2020-06-01", vec!["o8"]),
    ];
    assert_eq!(customers, expected.map(|(id, since, deals)| (id, since.to_owned(), deals)));
}
