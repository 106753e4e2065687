"""The local run with a quarter of accuracy behind it, and a browser that tolerates nothing."""

import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

SCREENSHOTS = pathlib.Path("target/screenshots")
# Before this day runs can be judged by what the demo portfolio knows.
FIRST, LAST = "2026-03-25", "2026-06-30"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def ask(url, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
        return json.load(answer)


def wait_for(what, seconds, look):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what} did not come within {seconds} s")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The address of a local run with two runs, the first of which has been judged."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    local, source = os.environ["EXPANSION_LOCAL"], tmp_path_factory.mktemp("demo") / "source"
    subprocess.run([local, "demo", "--out", source], check=True, stdout=subprocess.DEVNULL)
    command = [local, "--port", str(port), "--source", source, "--as-of", FIRST]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    analytics = base + "/api/analytics/expansion-propensity"

    def up():
        assert process.poll() is None, "the local run has ended"
        try:
            return ask(analytics)["data"]
        except OSError:
            return None

    def judged():
        runs = ask(analytics + "/accuracy")["data"]
        return any(cohort["is_mature"] and cohort["accuracy"] for run in runs for cohort in run["cohorts"])

    try:
        wait_for("the first run", 240, up)
        run = ask(analytics + "/refresh", {"as_of": LAST})
        wait_for("the second run", 240, lambda: ask(base + run["location"])["state"] == "complete")
        wait_for("its accuracy", 60, judged)
        yield base
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, site):
    """Opens pages; a message in the console, a failed request or one to another host fails the test."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    complaints, contexts = [], []

    def foreign(request):
        if not request.url.startswith((site, "data:", "blob:")):
            complaints.append(f"asked another host: {request.url}")

    def answered(response):
        if response.status >= 400:
            complaints.append(f"{response.status} for {response.url}")

    def open_page(path, **options):
        context = browser.new_context(base_url=site, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", foreign)
        page.on("response", answered)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints, complaints
