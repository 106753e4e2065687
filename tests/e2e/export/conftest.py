"""A run of a small portfolio in three shards, and everything of it that can be taken away."""

import json
import os
import pathlib
import socket
import subprocess
import time
import types
import urllib.request

import pytest

AS_OF = "2026-06-30"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


@pytest.fixture(scope="session")
def taken(tmp_path_factory):
    """The files: of the options, of the API, and by its links."""
    local, folder = os.environ["EXPANSION_LOCAL"], tmp_path_factory.mktemp("export")
    source, port = folder / "source", free_port()
    demo = [local, "demo", "--out", source, "--customers", "400", "--buckets", "3"]
    subprocess.run(demo, check=True, stdout=subprocess.DEVNULL)
    run = [local, "--source", source, "--as-of", AS_OF]
    subprocess.run([*run, "--once", "--export", folder / "option.csv"], check=True, stdout=subprocess.DEVNULL)
    served = [*run, "--port", str(port), "--export", folder / "option.parquet"]
    process = subprocess.Popen(served, stdout=subprocess.DEVNULL)
    analytics = f"http://127.0.0.1:{port}/api/analytics/expansion-propensity"
    try:
        until = time.monotonic() + 240
        while not (folder / "option.parquet").exists():
            assert process.poll() is None, "the local run has ended"
            assert time.monotonic() < until, "the run did not complete"
            time.sleep(0.2)
        (folder / "api.csv").write_bytes(fetch(f"{analytics}/export"))
        links = json.loads(fetch(f"{analytics}/export/files"))
        for file in links["files"]:
            body = fetch(file["url"])
            assert len(body) == file["bytes"]
            (folder / f"shard={file['shard']:05}.parquet").write_bytes(body)
        yield types.SimpleNamespace(folder=folder, links=links, rows=rows(analytics))
    finally:
        process.terminate()
        process.wait(timeout=30)


def rows(analytics):
    """All rows of the list, page by page."""
    found, cursor = [], ""
    while True:
        page = json.loads(fetch(f"{analytics}?limit=200{cursor}"))
        found += page["data"]
        if not page["next_cursor"]:
            return found
        cursor = "&cursor=" + page["next_cursor"]


@pytest.fixture(scope="session", params=["option.parquet", "shard=*.parquet"])
def parquet(taken, request) -> pathlib.Path:
    """The rows as one file, and as the files of the shards."""
    return taken.folder / request.param


@pytest.fixture(scope="session", params=["option.csv", "api.csv"])
def csv(taken, request) -> pathlib.Path:
    """The rows as CSV."""
    return taken.folder / request.param
