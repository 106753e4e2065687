"""What the statements of infra/export make of tables with known rows, and what the program makes of that."""

import csv
import re

import duckdb
import pytest
from conftest import EXPORT, ROOT, rows
from program import ask, demo, difference

FIXTURES = ROOT / "tests" / "e2e" / "warehouse"
TABLES = (
    "customers", "products", "contracts", "usage_metrics", "health_score_history", "expansion_opportunities",
    "expansion_signals", "stakeholders", "engagements",
)

SALESFORCE = {
    "customers": [
        ("001A", 'Acme "North", Inc', "Mid-Market", "Software", "Germany", "005X", "2025-01-15 00:00:00"),
        ("001B", "Beta", "SMB", "", "", "", "2025-03-03 00:00:00"),
    ],
    "products": [("01tA", "Analytics", "", ""), ("01tS", "Team seats", "seats", "Seat")],
    "contracts": [
        ("00kA11", "001A", "01tS", "50.0", "12000.0", "2025-01-15", "2025-07-14"),
        ("800B", "001B", "", "", "", "2025-03-03", ""),
    ],
    "expansion_opportunities": [
        ("006A2", "001A", "01tS", "won", "12000.0", "2025-06-02 07:30:00", "2025-07-01 00:00:00"),
        ("006A4", "001A", "", "open", "", "2026-05-05 08:00:00", ""),
        ("006A5", "001A", "", "lost", "900.0", "2025-10-01 00:00:00", "2025-10-01 00:00:00"),
    ],
    "stakeholders": [
        ("003A1", "001A", "Ana Ruiz", "VP Sales", "", "2025-01-02 08:00:00"),
        ("003A1", "001A", "Ana Ruiz", "VP Sales", "executive", "2025-06-03 08:00:00"),
    ],
    "engagements": [
        ("001A", "2025-05-01 10:00:00", "call", "003A1"),
        ("001A", "2025-05-03 00:00:00", "email", ""),
        ("001A", "2025-06-10 14:00:00", "qbr", "003A1"),
        ("001B", "2025-03-04 14:00:00", "meeting", ""),
    ],
}

HUBSPOT = {
    "customers": [
        ("101.0", 'Acme "North", Inc', "Mid-Market", "COMPUTER_SOFTWARE", "Germany", "9.0", "2025-01-15 10:00:00"),
        ("102.0", "Beta", "SMB", "", "", "", "2025-03-03 10:00:00"),
    ],
    "products": [("501.0", "Team seats"), ("502.0", "Analytics")],
    "contracts": [
        ("301.0", "101.0", "501.0", "50.0", "6000.0", "2025-02-01", "2025-07-31"),
        ("302.0", "101.0", "502.0", "1.0", "", "2025-07-01", ""),
        ("303.0", "101.0", "501.0", "60.0", "8000.0", "2025-07-01", ""),
    ],
    "expansion_opportunities": [
        ("202.0", "101.0", "501.0", "won", "12000.0", "2025-06-02 07:30:00", "2025-07-01 10:00:00"),
        ("204.0", "101.0", "", "open", "", "2026-05-05 08:00:00", ""),
        ("205.0", "101.0", "501.0", "lost", "900.0", "2025-10-01 10:00:00", "2025-10-01 10:00:00"),
        ("210.0", "102.0", "", "open", "50.0", "2026-06-01 08:00:00", ""),
    ],
    "stakeholders": [("401.0", "101.0", "Ana Ruiz", "VP Sales", "executive", "2025-01-02 08:00:00")],
    "engagements": [
        ("101.0", "2025-05-01 10:00:00", "call", "401.0"),
        ("101.0", "2025-06-10 14:00:00", "meeting", "401.0"),
        ("102.0", "2025-05-04 10:00:00", "ticket", ""),
        ("102.0", "2025-06-10 14:00:00", "meeting", "401.0"),
    ],
}


def statements(name):
    return (EXPORT / "sources" / f"{name}.sql").read_text()


def lists_of(engine):
    """The statements that take Airbyte's lists apart: those before the first engine's, and this engine's."""
    common, *sections = re.split(r"^-- (\w+)(?: \(not run\))?\n(?=CREATE)", statements("hubspot-airbyte-lists"), flags=re.M)
    return common + dict(zip(sections[::2], sections[1::2]))[engine]


def salesforce_of_airbyte():
    """Airbyte calls tables and columns as Salesforce does: `AccountId`, not `account_id`."""
    def salesforce_name(match):
        return '"' + "".join(word.capitalize() for word in match[0].split("_")) + '"'

    script = (FIXTURES / "salesforce.sql").read_text().replace("_fivetran_synced", "_Airbyte_extracted_at")
    script = re.sub(r"(?<=salesforce\.)\w+", salesforce_name, script)
    script = re.sub(r"\b[a-z][a-z_0-9]*(?= (TEXT|BIGINT|DOUBLE|BOOLEAN|DATE|TIMESTAMPTZ))", salesforce_name, script)
    return script.replace("SCHEMA salesforce", "SCHEMA airbyte").replace("salesforce.", "airbyte.")


def hubspot_of_airbyte():
    return (FIXTURES / "hubspot-airbyte.sql").read_text()


def of_fivetran(name):
    return lambda: (FIXTURES / name).read_text()


@pytest.mark.parametrize(
    ("tables", "sources", "expected"),
    [
        (of_fivetran("salesforce.sql"), ["salesforce"], SALESFORCE),
        (salesforce_of_airbyte, ["salesforce-airbyte", "salesforce"], SALESFORCE),
        (of_fivetran("hubspot-fivetran.sql"), ["hubspot"], HUBSPOT),
        (hubspot_of_airbyte, ["lists", "hubspot-airbyte", "hubspot"], HUBSPOT),
    ],
    ids=["salesforce-fivetran", "salesforce-airbyte", "hubspot-fivetran", "hubspot-airbyte"],
)
def test_a_crm_in_a_warehouse_is_a_source(engine, tmp_path, tables, sources, expected):
    engine.run(tables())
    for name in sources:
        name_of_engine = "DuckDB" if type(engine).__name__ == "DuckDb" else "PostgreSQL"
        engine.run(lists_of(name_of_engine) if name == "lists" else statements(name))
    source = engine.export(tmp_path)
    assert {table: rows(source, table) for table in expected} == expected
    assert sorted(folder.name for folder in source.iterdir()) == sorted(expected)
    answer = ask(source)
    assert answer.refusal is None and [issue for issue in answer.issues if issue["count"]] == []
    names = {row["customer_name"]: (row["segment"], row["csm_id"]) for row in answer.rows.values()}
    owner = expected["customers"][0][5].removesuffix(".0")
    assert names == {'Acme "North", Inc': ("Mid-Market", owner), "Beta": ("SMB", None)}


APP = """
CREATE SCHEMA app;
CREATE TABLE app.customers (id TEXT, name TEXT, segment TEXT, industry TEXT, region TEXT, csm_id TEXT,
    created_at TIMESTAMPTZ, churned_at TIMESTAMPTZ);
CREATE TABLE app.products (id TEXT, name TEXT, kind TEXT, unit TEXT, list_price NUMERIC(12, 2));
CREATE TABLE app.contracts (id TEXT, customer_id TEXT, product_id TEXT, quantity BIGINT, annual_value NUMERIC(12, 2),
    start_date DATE, end_date DATE);
CREATE TABLE app.usage_metrics (customer_id TEXT, recorded_at TIMESTAMPTZ, metric TEXT, value DOUBLE PRECISION);
CREATE TABLE app.health_score_history (customer_id TEXT, recorded_at TIMESTAMPTZ, score NUMERIC(5, 2));
CREATE TABLE app.expansion_opportunities (id TEXT, customer_id TEXT, product_id TEXT, stage TEXT, amount NUMERIC(12, 2),
    created_at TIMESTAMPTZ, closed_at TIMESTAMPTZ);
CREATE TABLE app.expansion_signals (customer_id TEXT, detected_at TIMESTAMPTZ, kind TEXT, summary TEXT);
CREATE TABLE app.stakeholders (id TEXT, customer_id TEXT, name TEXT, title TEXT, role TEXT, recorded_at TIMESTAMPTZ);
CREATE TABLE app.engagements (customer_id TEXT, occurred_at TIMESTAMPTZ, kind TEXT, with_executive BOOLEAN,
    stakeholder_id TEXT);
"""


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory):
    """The demo as a source, what the program says of it, and its tables as CSV for a database."""
    folder = tmp_path_factory.mktemp("portfolio")
    demo(folder / "demo", 60)
    for table in TABLES:
        [file] = (folder / "demo" / table).iterdir()
        rows_of_table = duckdb.sql(f"SELECT * FROM '{file}'").set_alias("given")
        # With a zone, as databases write it: without, a database would take the day as its own zone's.
        times = [f"strftime({name}, '%Y-%m-%dT%H:%M:%SZ') AS {name}" for name in rows_of_table.columns if name.endswith("_at")]
        replaced = f"SELECT * REPLACE ({', '.join(times)})" if times else "SELECT *"
        rows_of_table.query("given", f"{replaced} FROM given").write_csv(str(folder / f"{table}.csv"))
    return folder, ask(folder / "demo")


def test_an_application_is_a_source(engine, tmp_path, portfolio):
    folder, of_demo = portfolio
    engine.run(APP)
    for table in TABLES:
        engine.load(f"app.{table}", folder / f"{table}.csv")
    engine.run(statements("app"))
    engine.run(statements("product"))
    source = engine.export(tmp_path)
    buckets = [folder.name for folder in (source / "usage_metrics").iterdir()]
    assert len(buckets) > 2 and all(re.fullmatch(r"bucket=\d", bucket) for bucket in buckets)
    answer = ask(source)
    assert answer.refusal is None and answer.issues == of_demo.issues
    assert len(answer.rows) > 40 and difference(of_demo.rows, answer.rows) is None
