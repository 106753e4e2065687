"""What analysts do with the files: each library reads the same rows, and the points of each row add up to its score."""

import glob

import duckdb
import pandas
import polars

POINTS = "list_sum(list_transform(contributing_factors, lambda factor: factor.points))"


def expected(taken):
    return len(taken.rows), sum(row["propensity_score"] for row in taken.rows)


def test_there_is_a_file_for_each_shard(taken):
    assert [file["shard"] for file in taken.links["files"]] == [0, 1, 2]
    assert taken.links["not_available"] is None
    assert len(taken.rows) > 100


def test_duckdb_reads_parquet(taken, parquet):
    totals = f"select count(*), sum(propensity_score), count(distinct customer_id) from '{parquet}'"
    [(customers, scores, distinct)] = duckdb.sql(totals).fetchall()
    assert (customers, scores) == expected(taken) and distinct == customers
    wrong = f"select * from '{parquet}' where baseline_points + coalesce({POINTS}, 0) != propensity_score"
    assert duckdb.sql(wrong).fetchall() == []
    types = dict(duckdb.sql(f"select column_name, column_type from (describe select * from '{parquet}')").fetchall())
    assert types["calculated_at"] == "TIMESTAMP WITH TIME ZONE"
    assert types["renewal"] == types["last_contact"] == "DATE"
    assert types["has_advocate"] == "BOOLEAN" and types["risks"] == "VARCHAR[]"
    products = "STRUCT(product_id VARCHAR, \"name\" VARCHAR, probability DOUBLE)[]"
    assert types["recommended_products"] == products


def test_pandas_reads_parquet(taken, parquet):
    frame = pandas.concat([pandas.read_parquet(file) for file in sorted(glob.glob(str(parquet)))])
    assert (len(frame), frame["propensity_score"].sum()) == expected(taken)
    points = frame["contributing_factors"].map(lambda factors: sum(factor["points"] for factor in factors))
    assert (frame["baseline_points"] + points == frame["propensity_score"]).all()
    assert str(frame["calculated_at"].dt.tz) == "UTC" and frame["calculated_at"].nunique() == 1


def test_polars_reads_parquet(taken, parquet):
    frame = polars.read_parquet(parquet)
    assert (len(frame), frame["propensity_score"].sum()) == expected(taken)
    points = polars.col("contributing_factors").list.eval(polars.element().struct.field("points")).list.sum()
    wrong = frame.filter(polars.col("baseline_points") + points != polars.col("propensity_score"))
    assert wrong.is_empty()
    assert frame.schema["calculated_at"] == polars.Datetime("us", "UTC")
    assert frame.schema["renewal"] == polars.Date and frame.schema["product_ids"] == polars.List(polars.String)


def test_parquet_says_what_the_api_says(taken, parquet):
    rows = {row["customer_id"]: row for row in taken.rows}
    for row in polars.read_parquet(parquet).iter_rows(named=True):
        shown = rows[row["customer_id"]]
        for name in ("customer_name", "standing", "grade", "lift", "leave_alone", "open_deal", "risks", "priority"):
            assert row[name] == shown[name], (row["customer_id"], name)
        assert (row["renewal"] and row["renewal"].isoformat()) == shown["renewal"]
        assert row["comparable_average"] == shown["comparable"]["average"]
        assert row["confidence"] == shown["confidence"]["value"]


def test_everybody_reads_csv(taken, csv):
    customers, scores = expected(taken)
    assert duckdb.sql(f"select count(*), sum(propensity_score) from '{csv}'").fetchall() == [(customers, scores)]
    for frame in (pandas.read_csv(csv), polars.read_csv(csv, infer_schema_length=None)):
        assert (len(frame), frame["propensity_score"].sum()) == (customers, scores)
        assert list(frame["customer_id"]) == [row["customer_id"] for row in taken.rows], "best first"
        assert list(frame["rank"]) == list(range(1, customers + 1))


def test_the_option_and_the_api_write_the_same(taken):
    assert (taken.folder / "option.csv").read_bytes() == (taken.folder / "api.csv").read_bytes()
