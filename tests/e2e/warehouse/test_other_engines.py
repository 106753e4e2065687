"""What is for engines that the tests can't run is at least SQL of their dialect."""

import re

import pytest
import sqlglot
from conftest import EXPORT
from sqlglot import expressions
from test_warehouse import TABLES, lists_of, statements

SOURCES = ["app", "product", "salesforce", "salesforce-airbyte", "hubspot", "hubspot-airbyte"]
ENGINES = {"athena": "Athena", "snowflake": "Snowflake", "bigquery": "BigQuery", "spark": "Spark"}


def parsed(sql, dialect):
    found = [statement for statement in sqlglot.parse(sql, dialect=dialect) if statement is not None]
    assert not [statement for statement in found if isinstance(statement, expressions.Command)]
    return found


@pytest.mark.parametrize("dialect", ENGINES)
@pytest.mark.parametrize("source", SOURCES)
def test_sources_parse(source, dialect):
    sql = statements(source)
    if dialect != "athena":
        sql = sql.replace('"', "")
    views = [statement for statement in parsed(sql, dialect) if statement.args["kind"] == "VIEW"]
    assert len(views) == sql.count("CREATE OR REPLACE VIEW") > 2
    # Only the file for Airbyte's Salesforce has names with quotes, which it says.
    assert '"' not in statements(source) or source == "salesforce-airbyte"


@pytest.mark.parametrize("dialect", ENGINES)
def test_lists_parse(dialect):
    [*_, view] = parsed(lists_of(ENGINES[dialect]), dialect)
    assert view.this.sql() == "hubspot.associations"


@pytest.mark.parametrize("dialect", ENGINES)
def test_exports_parse(dialect):
    sql = (EXPORT / "engines" / f"{dialect}.sql").read_text()
    assert sql.startswith("-- NOT RUN")
    if dialect == "athena":
        # The parser knows no UNLOAD: what is unloaded, and where to.
        unloads = re.findall(r"UNLOAD \((.*?)\n?\)\nTO 's3://YOUR-BUCKET/source/(\w+)/' WITH \(format = 'PARQUET'", sql, re.S)
        assert len(unloads) == sql.count("UNLOAD")
        exports = {table: parsed(query, dialect) for query, table in unloads}
    else:
        exports = {}
        for statement in parsed(sql, dialect):
            for table in statement.find_all(expressions.Table):
                if table.db == "expansion_source":
                    exports[table.name] = [statement]
    assert sorted(exports) == sorted(TABLES)
    for table, written in exports.items():
        assert f"expansion_source.{table}" in written[0].sql(dialect)
        assert len(re.findall(rf"source/{table}\b", sql)) == 1
