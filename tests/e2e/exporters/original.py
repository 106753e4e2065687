"""The demo as a source folder with texts that exporters have to quote, and its tables as Arrow holds them."""

import csv
import datetime
import decimal
import gzip
import json

import pyarrow

TEXT, NUMBER, WHOLE, MONEY, FLAG, DAY, DATE, TIME = "text", "number", "whole", "money", "flag", "day", "date", "time"

# DATE is a day that many systems keep as a time at midnight; DAY is one that they keep as a day.
COLUMNS = {
    "customers": {
        "customer_id": TEXT, "name": TEXT, "segment": TEXT, "industry": TEXT, "region": TEXT, "csm_id": TEXT,
        "created_at": DATE, "churned_at": DATE,
    },
    "products": {"product_id": TEXT, "name": TEXT, "kind": TEXT, "unit": TEXT, "list_price": MONEY},
    "contracts": {
        "contract_id": TEXT, "customer_id": TEXT, "product_id": TEXT, "quantity": WHOLE, "annual_value": MONEY,
        "start_date": DAY, "end_date": DAY,
    },
    "usage_metrics": {"customer_id": TEXT, "recorded_at": TIME, "metric": TEXT, "value": NUMBER},
    "health_score_history": {"customer_id": TEXT, "recorded_at": DATE, "score": NUMBER},
    "expansion_opportunities": {
        "opportunity_id": TEXT, "customer_id": TEXT, "product_id": TEXT, "stage": TEXT, "amount": MONEY,
        "created_at": DATE, "closed_at": DATE,
    },
    "expansion_signals": {"customer_id": TEXT, "detected_at": DATE, "kind": TEXT, "summary": TEXT},
    "stakeholders": {
        "stakeholder_id": TEXT, "customer_id": TEXT, "name": TEXT, "title": TEXT, "role": TEXT, "recorded_at": DATE,
    },
    "engagements": {
        "customer_id": TEXT, "occurred_at": TIME, "kind": TEXT, "with_executive": FLAG, "stakeholder_id": TEXT,
    },
}

# What a name or a note is made of in real systems, and exporters quote each in their own way.
HABITS = [
    '{} "North", Inc', "{}, O'Neil & Söhne", "{} 東京 🙂", "{} \\ Partner", '"{}"', "{}; a | b", "{}\nsecond line", "{}\ttab",
]

# How a table can be declared.
KINDS = {
    "timestamp": "Times without zone, floats",
    "timestamptz": "Times with zone, decimals",
}


def rows_of(demo, table):
    """A table of the demo as rows of texts."""
    for file in sorted((demo / table).iterdir()):
        content = gzip.open(file, "rt", newline="") if file.suffix == ".gz" else open(file, newline="")
        with content:
            if ".ndjson" in file.name:
                yield from (json.loads(line) for line in content)
            else:
                yield from csv.DictReader(content)


def original(demo, folder):
    """Writes the demo, a little less tidy, as CSV in the form that the README gives; returns its rows by table."""
    tables = {}
    for table, columns in COLUMNS.items():
        rows = [{name: row.get(name) or "" for name in columns} for row in rows_of(demo, table)]
        for number, row in enumerate(rows):
            untidy(table, number, row)
        (folder / table).mkdir(parents=True)
        with open(folder / table / "original.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_MINIMAL)
            writer.writeheader()
            writer.writerows(rows)
        tables[table] = rows
    return tables


def untidy(table, number, row):
    """Texts to quote and cells without a value, in some rows of a table."""
    text = {"customers": "name", "stakeholders": "title", "expansion_signals": "summary"}.get(table)
    if text and number % 3 == 0:
        row[text] = HABITS[number // 3 % len(HABITS)].format(row[text])
    empty = {"customers": "segment", "contracts": "quantity", "engagements": "with_executive"}.get(table)
    if empty and number % 23 == 5:
        row[empty] = ""


def arrow(tables, kind):
    """The tables as Arrow holds them, with columns of the given kind."""
    return {table: arrow_table(COLUMNS[table], rows, kind) for table, rows in tables.items()}


def arrow_table(columns, rows, kind):
    types = {name: arrow_type(what, kind) for name, what in columns.items()}
    return pyarrow.table({
        name: pyarrow.array([value(row[name], of) for row in rows], of) for name, of in types.items()
    })


def arrow_type(what, kind):
    zoned = kind == "timestamptz"
    time = pyarrow.timestamp("us", "UTC") if zoned else pyarrow.timestamp("us")
    return {
        TEXT: pyarrow.string(),
        NUMBER: pyarrow.float64(),
        WHOLE: pyarrow.int64() if zoned else pyarrow.float64(),
        MONEY: pyarrow.decimal128(18, 2) if zoned else pyarrow.float64(),
        FLAG: pyarrow.bool_(),
        DAY: pyarrow.date32(),
        DATE: time if zoned else pyarrow.date32(),
        TIME: time,
    }[what]


def value(text, of):
    """The value of a type that a text of the original stands for."""
    if text == "":
        return None
    if pyarrow.types.is_boolean(of):
        return {"true": True, "false": False}[text]
    if pyarrow.types.is_date(of):
        return datetime.date.fromisoformat(text)
    if pyarrow.types.is_timestamp(of):
        at = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)
        return at if of.tz else at.replace(tzinfo=None)
    if pyarrow.types.is_decimal(of):
        return decimal.Decimal(text).quantize(decimal.Decimal("0.01"))
    return {"int64": int, "double": float, "string": str}[str(of)](text)
