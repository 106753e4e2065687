use super::*;

type Writer = fn(&[Vec<String>]) -> Vec<u8>;

/// What `source.yaml` says of the files of [`mapped`].
const MAPPING: &str = "
missing: ['', '?']
tables:
  customers:
    files: crm/accounts
    columns:
      customer_id: Account No
      name: [Trade Name, Name]
      created_at: {column: Customer Since}
      segment: {column: Tags, separator: ';'}
    constants: {region: EU}
    keep: {State: [active, '']}
    drop: {Test: 1}
    only_with: customer_id
  expansion_opportunities:
    files: crm/*deals*
    columns:
      opportunity_id: Id
      customer_id: Account No
      stage:
        - {column: Won, values: {yes: won}}
        - {column: Done, values: {yes: lost}}
        - Phase
      created_at: Opened
      closed_at: Done On
";

/// A source in the form of another system.
fn mapped(write: Writer, extension: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let rows = |lines: &[&str]| table(Table::Customers, lines).1;
    let accounts = rows(&[
        "Account No,Name,Trade Name,Customer Since,Tags,State,Test",
        "c1,Acme Corporation,Acme,2020-01-01,SMB;EU,Active,",
        "c2,Bolt,?,2020-02-01,,,0",
        "c3,Chem,,2020-03-01,,closed,",
        "c4,Trial,,2020-03-01,,active,1",
        ",Nobody,,2020-03-01,,active,",
    ]);
    let deals = rows(&[
        "Id,Account No,Won,Done,Phase,Opened,Done On",
        "d1,c1,yes,yes,Anything,2021-01-01,2021-02-01",
        "d2,c1,no,yes,Anything,2021-01-01,2021-03-01",
        "d3,c2,no,no,won,2021-01-01,2021-04-01",
        "d4,c2,?,,negotiation,2021-01-01,",
        "d5,c3,yes,yes,Anything,2021-01-01,2021-05-01",
    ]);
    put(folder.path(), "source.yaml", MAPPING);
    put(folder.path(), &format!("crm/accounts.{extension}"), write(&accounts));
    put(folder.path(), &format!("crm/old/no-deals.{extension}"), "not of this source");
    put(folder.path(), &format!("crm/All_Deals_2021.{extension}"), write(&deals));
    folder
}

fn counted(read: &Read) -> Vec<(Table, String, u64)> {
    read.issues.iter().map(|issue| (issue.table, issue.reason.clone(), issue.count)).collect()
}

#[test]
fn a_mapping_is_honoured_in_every_format() {
    let formats: [(&str, Writer); 3] = [("csv", csv), ("ndjson", ndjson), ("parquet", texts)];
    for (extension, write) in formats {
        let read = read_all(mapped(write, extension).path()).expect(extension);
        let customers: Vec<_> = read
            .data
            .customers
            .iter()
            .map(|c| (&*c.customer_id, c.name.as_deref(), c.segment.as_deref(), c.region.as_deref()))
            .collect();
        let expected = [("c1", Some("Acme"), Some("SMB"), Some("EU")), ("c2", Some("Bolt"), None, Some("EU"))];
        assert_eq!(customers, expected, "{extension}");
        let deals = read.data.customers.iter().flat_map(|customer| &customer.opportunities);
        let deals: Vec<_> = deals.map(|deal| (&*deal.opportunity_id, deal.stage)).collect();
        let expected = [("d1", Stage::Won), ("d2", Stage::Lost), ("d3", Stage::Won), ("d4", Stage::Open)];
        assert_eq!(deals, expected, "{extension}");
        let (left_out, of_none) = (Reason::LeftOut.to_string(), Reason::NoCustomer.to_string());
        let expected = [(Table::Customers, left_out, 3), (Table::ExpansionOpportunities, of_none, 1)];
        assert_eq!(counted(&read), expected, "{extension}");
        assert_eq!(read.rows[&Table::Customers], 5, "{extension}");
    }
}

/// A Parquet file of texts alone.
fn texts(rows: &[Vec<String>]) -> Vec<u8> {
    let columns = rows[0].iter().enumerate().map(|(i, name)| {
        let values = rows[1..].iter().map(|row| Some(&*row[i]).filter(|value| !value.is_empty()));
        let array: ArrayRef = Arc::new(values.collect::<StringArray>());
        (name.clone(), array)
    });
    parquet_of(columns.collect())
}

#[test]
fn one_column_of_the_files_may_stand_for_several() {
    let folder = folder_of(&required_tables());
    let mapping = "tables: {customers: {columns: {name: customer_id, csm_id: [owner, customer_id]}}}";
    put(folder.path(), "source.yaml", mapping);
    for (extension, write) in [("csv", csv as Writer), ("ndjson", ndjson), ("parquet", texts)] {
        fs::remove_dir_all(folder.path().join("customers")).expect("removed");
        let rows = table(Table::Customers, &["customer_id,created_at,owner", "c1,2020-01-01,ann", "c2,2020-01-01,"]).1;
        put(folder.path(), &format!("customers/a.{extension}"), write(&rows));
        let read = read_all(folder.path()).expect(extension);
        let known: Vec<_> = read.data.customers.iter().map(|c| (c.name.as_deref(), c.csm_id.as_deref())).collect();
        assert_eq!(known, [(Some("c1"), Some("ann")), (Some("c2"), Some("c2"))], "{extension}");
    }
}

#[test]
fn a_filter_needs_its_column() {
    let folder = folder_of(&required_tables());
    put(folder.path(), "source.yml", "tables: {customers: {keep: {Tpye: Customer}}}");
    let error = read_all(folder.path()).expect_err("no such column").to_string();
    assert_eq!(error, "customers/part-0.csv has no column Tpye, by which source.yaml chooses its rows");
}

#[test]
fn a_source_of_which_nothing_is_left_is_an_error() {
    let folder = folder_of(&required_tables());
    put(folder.path(), "source.yaml", "tables: {customers: {drop: {created_at: 2020-01-01}}}");
    let error = read_all(folder.path()).expect_err("no customer").to_string();
    assert!(error.starts_with("the required table customers has no usable row (3 read"), "{error}");
}

#[test]
fn what_is_said_of_the_source_must_be_readable_and_alone() {
    let folder = folder_of(&required_tables());
    put(folder.path(), "source.yaml", "tables: {customers: {colums: {}}}");
    let error = read_all(folder.path()).expect_err("an unknown key").to_string();
    assert!(error.starts_with("source.yaml: tables.customers: unknown field `colums`"), "{error}");
    put(folder.path(), "source.yaml", b"\xff\xfe");
    let error = read_all(folder.path()).expect_err("no text").to_string();
    assert_eq!(error, "source.yaml: is not UTF-8");
    put(folder.path(), "source.yml", "");
    let error = read_all(folder.path()).expect_err("two of them").to_string();
    assert_eq!(error, "source.yaml: there is another one beside it, source.yml");
}

#[test]
fn the_fingerprint_follows_the_mapping() {
    let folder = folder_of(&required_tables());
    let plain = inventory_of(folder.path()).expect("a source").fingerprint();
    let mut seen = vec![plain];
    for text in ["timezone: Europe/Berlin", "timezone: Europe/Paris", "preset: hubspot"] {
        put(folder.path(), "source.yaml", text);
        let fingerprint = inventory_of(folder.path()).expect("a source").fingerprint();
        assert!(!seen.contains(&fingerprint), "{text}");
        seen.push(fingerprint);
    }
}

#[test]
fn objects_without_a_mapping_are_recognised_and_not_read() {
    let folder = TempDir::new().expect("a folder");
    put(folder.path(), "Account/a.csv", "Id\n");
    put(folder.path(), "Opportunity.csv", "Id\n");
    let error = read_all(folder.path()).expect_err("no tables").to_string();
    assert!(
        error.contains("customers has no files") && error.ends_with("with `preset: salesforce` beside them"),
        "{error}"
    );
}
