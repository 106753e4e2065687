use std::fs;

use expansion_domain::Table;

use super::*;

fn parse(text: &str) -> Result<Mapping, String> {
    Mapping::parse("source.yaml", text).map_err(|error| error.to_string())
}

fn of(text: &str, table: Table) -> TableMapping {
    let mapping = parse(text).expect(text);
    TableMapping::clone(&mapping.tables[&table][0])
}

#[test]
fn nothing_said_is_the_contract() {
    for text in ["", "# only a comment\n", "tables: {}"] {
        let mapping = parse(text).expect("a valid file");
        assert_eq!(Mapping { text: String::new(), file: "", ..mapping }, Mapping::default(), "{text:?}");
    }
    let named = Some(Table::UsageMetrics);
    let (table, mapping) = Mapping::default().table_of("usage_metrics/2024/a.csv", named).expect("a table");
    assert_eq!((table, &*mapping), (Table::UsageMetrics, &TableMapping::default()));
    assert_eq!(Mapping::default().table_of("invoices/a.csv", None), None);
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let text = r#"
timezone: Europe/Berlin
missing: ["-", n/a]
decimal_mark: ","
currency: EUR
rates: {USD: 0.92}
tables:
  customers:
    files: crm/kunden*.csv
    columns: {customer_id: Nr, name: [Firma, Name]}
    values: {segment: {KMU: SMB}}
    keep: {Art: [Kunde, 7]}
    drop: {Gesperrt: true}
    only_with: [customer_id]
    constants: {region: DACH}
    won_deals: true
    max_bad_share: 0.1
  usage_metrics:
    factors: {value: 1000}
    seats: Aktive Nutzer
    timezone: America/New_York
    missing: "?"
    decimal_mark: "."
    max_unknown_share: 1
  health_score_history:
    scale: 10
  expansion_opportunities:
    - files: [deals, old/deals]
      columns:
        stage:
          - {column: Gewonnen, values: {ja: won}}
          - {column: [Status, Stage], separator: ";"}
        customer_id: Kunde
    - files: positions
      rows: line_items
"#;
    let mapping = parse(text).expect("a valid file");
    assert_eq!(mapping.currency.as_deref(), Some("EUR"));
    assert_eq!(mapping.rates, BTreeMap::from([("EUR".to_owned(), 1.0), ("USD".to_owned(), 0.92)]));
    assert_eq!(mapping.others.timezone.as_deref(), Some("Europe/Berlin"));

    let customers = of(text, Table::Customers);
    assert_eq!(customers.columns["name"], ["Firma", "Name"]);
    let choice = |column: &str| Choice { columns: vec![column.to_owned()], ..Choice::default() };
    assert_eq!(customers.choices["name"], [choice("Firma"), choice("Name")]);
    assert!(!customers.choices.contains_key("customer_id"), "one name needs no choice");
    assert_eq!(customers.values["segment"]["kmu"], "SMB");
    let filters: Vec<_> = customers.filters.iter().map(|f| (&*f.columns[0], &*f.values, f.keep, f.required)).collect();
    let (kept, dropped) = (["kunde".to_owned(), "7".to_owned()], ["true".to_owned()]);
    assert_eq!(filters, [("Art", &kept[..], true, true), ("Gesperrt", &dropped[..], false, true)]);
    assert_eq!(customers.constants["region"], "DACH");
    assert_eq!((customers.won_deals, customers.max_bad_share), (true, Some(0.1)));
    assert_eq!(customers.missing.as_deref(), Some(&["-".to_owned(), "n/a".to_owned()][..]), "the source's");
    assert_eq!(customers.decimal_mark, Some(DecimalMark::Comma));

    let usage = of(text, Table::UsageMetrics);
    assert_eq!((usage.factors["value"], usage.max_unknown_share), (1000.0, Some(1.0)));
    assert_eq!((usage.timezone.as_deref(), usage.decimal_mark), (Some("America/New_York"), Some(DecimalMark::Point)));
    assert_eq!(usage.values["metric"]["aktive nutzer"], "active_seats");
    assert_eq!(usage.missing, Some(vec!["?".to_owned()]));
    assert_eq!(of(text, Table::HealthScoreHistory).scale, Some(10.0));

    let deals = &mapping.tables[&Table::ExpansionOpportunities];
    assert_eq!((deals[0].rows, deals[1].rows), (Rows::Facts, Rows::LineItems));
    assert_eq!(deals[0].choices["stage"][0].values["ja"], "won");
    assert_eq!(deals[0].choices["stage"][1].columns, ["Status", "Stage"]);
    assert_eq!(deals[0].choices["stage"][1].separator.as_deref(), Some(";"));
    assert_eq!(deals[0].columns["stage"], ["Gewonnen", "Status", "Stage"]);
}

#[test]
fn what_cannot_be_is_said_with_the_key() {
    for (text, message) in [
        ("tabels: {}", "unknown field `tabels`, expected one of"),
        ("tabels: {}", "; did you mean `tables`?"),
        ("tables:\n  customers:\n    colums: {name: x}", "tables.customers: unknown field `colums`"),
        ("tables:\n  customers:\n    colums: {name: x}", "at line 3 column 5; did you mean `columns`?"),
        ("tables: {custmers: {}}", "; did you mean `customers`?"),
        ("tables: {customers: {}, customers: {}}", "Customers is there twice"),
        ("preset: salesfroce", "; did you mean `salesforce`?"),
        (
            "tables: {customers: {columns: {segmnt: x}}}",
            "tables.customers.columns.segmnt: customers has no such column (it has customer_id, name, segment, industry",
        ),
        ("tables: {customers: {columns: {segmnt: x}}}", "; did you mean `segment`?"),
        ("tables: {customers: {values: {size: {a: b}}}}", "tables.customers.values.size: customers has no such column"),
        ("tables: {customers: {constants: {size: a}}}", "tables.customers.constants.size: customers has no"),
        ("tables: {customers: {only_with: size}}", "tables.customers.only_with.size: customers has no"),
        ("tables: {customers: {factors: {size: 2}}}", "tables.customers.factors.size: customers has no"),
        (
            "tables: {contracts: {values: {quantity: {many: 3}}}}",
            "tables.contracts.values: quantity has no words that could stand for others",
        ),
        (
            "tables: {contracts: {columns: {end_date: {column: x, values: {never: ''}}}}}",
            "tables.contracts.columns.end_date: end_date has no words that could stand for others",
        ),
        ("tables: {customers: {values: {segment: {A: x, a: y}}}}", "\"a\" is there twice"),
        ("tables: {customers: {factors: {segment: 2}}}", "tables.customers.factors.segment: segment has no numbers"),
        ("tables: {contracts: {factors: {quantity: 0}}}", "tables.contracts.factors.quantity: 0 is no factor"),
        ("tables: {contracts: {factors: {quantity: .nan}}}", "tables.contracts.factors.quantity: NaN is no factor"),
        (
            "tables: {customers: {columns: {region: x}, constants: {region: EU}}}",
            "tables.customers.constants.region: `columns` says where it is",
        ),
        ("tables: {customers: {columns: {region: []}}}", "tables.customers.columns.region: names no column"),
        ("tables: {customers: {columns: {region: ' '}}}", "tables.customers.columns.region: a column has no name"),
        (
            "tables: {customers: {columns: {region: {column: x, separator: ''}}}}",
            "tables.customers.columns.region.separator: is empty",
        ),
        ("tables: {customers: {keep: {Type: []}}}", "tables.customers.keep.Type: names no value"),
        ("tables: {customers: {drop: {Type: []}}}", "tables.customers.drop.Type: names no value"),
        ("tables: {customers: {files: ../x}}", "tables.customers.files: \"../x\" is no path below the source"),
        (
            "tables: {customers: [{files: a}, {columns: {name: x}}]}",
            "tables.customers[1]: `files` must say which of the table's files are meant",
        ),
        ("timezone: Europe/Berln", "timezone: \"Europe/Berln\" is no time zone"),
        ("tables: {customers: {timezone: X}}", "tables.customers.timezone: \"X\" is no time zone"),
        ("rates: {USD: 0}\ncurrency: EUR", "rates.USD: 0 is no rate; it must be above 0"),
        ("rates: {USD: -1}\ncurrency: EUR", "rates.USD: -1 is no rate"),
        ("rates: {USD: 0.9}", "rates: `currency` must say into which currency they convert"),
        ("rates: {EUR: 2}\ncurrency: EUR", "rates.EUR: is the currency that they convert into"),
        ("tables: {health_score_history: {scale: 0}}", "tables.health_score_history.scale: 0 is no scale"),
        ("tables: {customers: {scale: 10}}", "tables.customers.scale: can be said of health_score_history only"),
        ("tables: {customers: {seats: x}}", "tables.customers.seats: can be said of usage_metrics only"),
        ("tables: {contracts: {won_deals: true}}", "tables.contracts.won_deals: can be said of customers only"),
        ("tables: {contracts: {rows: line_items}}", "tables.contracts.rows: can be said of expansion_opportunities"),
        ("tables: {customers: {max_bad_share: 5}}", "tables.customers.max_bad_share: 5 is no share"),
        ("tables: {customers: {max_unknown_share: -1}}", "tables.customers.max_unknown_share: -1 is no share"),
        ("tables: [", "at line"),
        ("preset: salesforce\npreset: hubspot", "duplicate field `preset`"),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.starts_with("source.yaml: ") && error.contains(message), "{text}\n{error}\n{message}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn too_many_columns_are_refused() {
    let names: Vec<String> = (0..80).map(|i| format!("c{i}")).collect();
    let text = format!("tables: {{customers: {{columns: {{name: [{}]}}}}}}", names.join(", "));
    let error = parse(&text).expect_err("too many");
    assert!(error.contains("columns are named, more than the 64 that there can be"), "{error}");
}

#[test]
fn a_file_belongs_to_the_table_that_names_it() {
    let text = "tables:\n  customers: {files: [crm/accounts, kunden-*.csv]}\n  contracts: {columns: {quantity: Seats}}";
    let mapping = parse(text).expect("a valid file");
    let of = |path: &str| {
        let named = Table::ALL.into_iter().find(|table| path.starts_with(&format!("{table}/")));
        mapping.table_of(path, named)
    };
    let table = |path: &str| of(path).map(|(table, _)| table);
    assert_eq!(table("crm/accounts/2024/a.parquet"), Some(Table::Customers));
    assert_eq!(table("kunden-eu.csv"), Some(Table::Customers));
    assert_eq!(table("customers/a.csv"), None, "its files are elsewhere");
    assert_eq!(table("crm/deals.csv"), None);
    assert_eq!(table("products/a.csv"), Some(Table::Products));
    let (table, contracts) = of("contracts/a.csv").expect("a table");
    assert_eq!((table, &*contracts.columns["quantity"]), (Table::Contracts, &["Seats".to_owned()][..]));
    assert!(mapping.may_hold("crm") && mapping.may_hold("kunden-eu.csv"));
    assert!(!mapping.may_hold("invoices"));
}

#[test]
fn a_pattern_must_match_and_no_two_the_same_file() {
    let mapping = parse("tables: {customers: {files: Kunden}, products: {files: 'K*'}}").expect("a valid file");
    let check = |paths: &[&str]| mapping.check_files(&paths.iter().copied()).map_err(|error| error.to_string());
    assert_eq!(
        check(&["kontakte.csv"]).expect_err("no customers"),
        "source.yaml: tables.customers.files: `Kunden` matches no file"
    );
    assert_eq!(
        check(&["kunden.csv"]).expect_err("two tables"),
        "source.yaml: kunden.csv is among two `files`: `Kunden` and `K*`"
    );
    let preset = parse("preset: salesforce").expect("a valid file");
    assert!(preset.check_files(&["Account.csv"].into_iter()).is_ok(), "a preset knows more than there is");
}

#[test]
fn a_preset_is_added_to() {
    let text = "preset: salesforce\ntables:\n  customers:\n    columns: {segment: Tier__c, name: Nickname__c}\n    keep: \
                {Type: Kunde}\n    drop: {Test__c: true}\n  expansion_opportunities: {columns: {amount: ARR__c}}\n  \
                contracts: {files: orders, columns: {contract_id: Nr}}";
    let own = parse(text).expect("a valid file");
    let preset = parse("preset: salesforce").expect("a valid file");
    let customers = &own.tables[&Table::Customers][0];
    assert_eq!(customers.columns["segment"], ["Tier__c"]);
    assert_eq!(customers.columns["name"], ["Nickname__c"]);
    assert_eq!(customers.columns["customer_id"], preset.tables[&Table::Customers][0].columns["customer_id"]);
    let filters: Vec<_> = customers.filters.iter().map(|f| (&*f.columns[0], f.values.len(), f.required)).collect();
    assert_eq!(filters, [("Type", 1, true), ("Test__c", 1, true)]);
    let deals = &own.tables[&Table::ExpansionOpportunities];
    assert_eq!(
        (&*deals[0].columns["amount"], &*deals[1].columns["amount"]),
        (&["ARR__c".to_owned()][..], &["TotalPrice".to_owned()][..])
    );
    let contracts = &own.tables[&Table::Contracts];
    assert_eq!((contracts.len(), contracts[0].columns.len()), (1, 1), "files of its own take the preset's place");
    assert_eq!(own.tables[&Table::Stakeholders], preset.tables[&Table::Stakeholders]);
    assert_ne!(own.text, preset.text);
}

#[test]
fn every_preset_is_valid_and_names_the_required_tables() {
    for preset in ["salesforce", "hubspot", "dynamics"] {
        let mapping = parse(&format!("preset: {preset}")).expect(preset);
        for table in Table::ALL.into_iter().filter(|table| table.required()) {
            assert!(mapping.tables.contains_key(&table), "{preset}: {table}");
        }
        for (table, entries) in &mapping.tables {
            for entry in entries {
                for column in columns(*table).iter().filter(|column| column.required && entry.requires(column.name)) {
                    assert!(entry.columns.contains_key(column.name), "{preset}: {table}.{}", column.name);
                }
            }
        }
        // A table in the form of the contract may lie beside a system's objects.
        let usage = mapping.table_of("usage_metrics/a.csv", Some(Table::UsageMetrics));
        assert_eq!(usage.map(|(table, _)| table), Some(Table::UsageMetrics));
    }
}

#[test]
fn the_schema_in_the_repository_is_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/source.schema.json");
    let write =
        "write it anew with `cargo run -p expansion-source --example schema > shared/source/source.schema.json`";
    assert!(fs::read_to_string(path).unwrap_or_default() == schema(), "{write}");
}

#[test]
fn the_schema_takes_what_the_parser_takes() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let json = |text: &str| serde_yaml_ng::from_str::<serde_json::Value>(text).expect("YAML");
    for preset in ["salesforce", "hubspot", "dynamics"] {
        let path = format!("{}/presets/{preset}.yaml", env!("CARGO_MANIFEST_DIR"));
        let document = json(&fs::read_to_string(path).expect("a preset"));
        let errors: Vec<_> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{preset}");
    }
    for text in
        ["tabels: {}", "tables: {custmers: {}}", "tables: {customers: {colums: {}}}", "preset: x", "decimal_mark: ;"]
    {
        assert!(!validator.is_valid(&json(text)) && parse(text).is_err(), "{text}");
    }
}
