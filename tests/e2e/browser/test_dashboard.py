"""What people do with the dashboard, in a real browser."""

import csv
import math
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SCREENSHOTS, ask
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
LOOKS = {"light": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE, "phone-dark": PHONE | {"color_scheme": "dark"}}


def rows(page):
    return page.locator("table.portfolio tbody tr")


def listed(site, query=""):
    """The list that the dashboard begins with: those to approach."""
    return ask(f"{site}/api/analytics/expansion-propensity?standing=ready_to_approach&limit=25{query}")["data"]


def best(site):
    return listed(site)[0]


def paths(site):
    return {"portfolio": "/", "customer": f"/customers/{best(site)['customer_id']}", "accuracy": "/accuracy", "docs": "/docs"}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", ["portfolio", "customer", "accuracy", "docs"])
def test_pages_are_accessible_and_fit(site, open_page, name, look):
    page = open_page(paths(site)[name], **LOOKS[look])
    page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=name != "docs")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    # Not the window's own width: on a phone it grows with a page that is too wide.
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], "the page is too wide"


def test_the_list_is_the_api_s(site, open_page):
    page = open_page("/")
    expect(rows(page)).to_have_count(25)
    shown = rows(page).locator("th a").all_inner_texts()
    assert shown == [row["customer_name"] for row in listed(site)]
    scores = rows(page).locator("td.score strong").all_inner_texts()
    assert [int(score) for score in scores] == [row["propensity_score"] for row in listed(site)]


def test_tabs_show_who_stands_how_and_what_holds_a_deal(site, open_page):
    page = open_page("/")
    counts = ask(site + "/api/analytics/expansion-propensity?limit=1")["totals"]["standings"]
    page.get_by_role("link", name=f"In progress {counts['in_progress']}").click()
    expect(page.locator("nav.tabs [aria-current=page]")).to_contain_text("In progress")
    for row in rows(page).all():
        assert re.search(r"A deal .*opened \d+ days? ago", row.inner_text())
    page.get_by_role("link", name=f"Leave alone {counts['leave_alone']}").click()
    expect(rows(page).first).to_contain_text("Leave alone: ")


def test_the_list_is_downloaded_as_it_is_filtered(site, open_page):
    page = open_page("/?standing=all&segment=Enterprise")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"expansion-propensity-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    with download.value.path().open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["segment"] for line in lines} == {"Enterprise"}
    shown = rows(page).locator("th a").all_inner_texts()
    assert [line["customer_name"] for line in lines][: len(shown)] == shown


def test_filters_narrow_the_list_and_stay(open_page):
    page = open_page("/")
    page.get_by_label("Segment").select_option("Enterprise")
    page.get_by_label("Score from").fill("5")
    page.get_by_label("Confidence").select_option("Low")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Segment")).to_have_value("Enterprise")
    assert rows(page).count() > 0
    for row in rows(page).all():
        assert "Enterprise" in row.locator("th small").inner_text()
        assert int(row.locator("td.score strong").inner_text()) >= 5
        assert row.locator("td").nth(4).inner_text().startswith("Low")


def test_a_csm_s_customers_with_a_product(site, open_page):
    customer = best(site)
    answer = ask(f"{site}/api/customers/{customer['customer_id']}/expansion-propensity")
    csm, product = customer["csm_id"], answer["recommended_products"][0]["product_id"]
    page = open_page("/")
    page.locator("select[name=csm_id]").select_option(csm)
    page.get_by_label("Product").select_option(product)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Product")).to_have_value(product)
    names = [row["customer_name"] for row in listed(site, f"&csm_id={csm}&product_id={product}")]
    assert customer["customer_name"] in names
    assert rows(page).locator("th a").all_inner_texts() == names


def test_search_finds_by_name_and_says_when_nobody_fits(site, open_page):
    customer = best(site)
    page = open_page("/")
    page.get_by_label("Search").fill(customer["customer_name"].lower())
    page.get_by_label("Search").press("Enter")
    expect(rows(page).first).to_contain_text(customer["customer_name"])
    page.get_by_label("Search").fill("<script>alert(1)</script>")
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_text("No customer fits.")).to_be_visible()


def test_pages_of_the_list_follow_each_other(open_page):
    page = open_page("/")
    first = rows(page).locator("th a").all_inner_texts()
    page.get_by_role("link", name="Next page").click()
    expect(rows(page).first.locator("td").first).to_have_text("26")
    assert not set(first) & set(rows(page).locator("th a").all_inner_texts())
    page.get_by_role("link", name="First page").click()
    expect(rows(page).first.locator("td").first).to_have_text("1")


def test_sorting_by_value(site, open_page):
    page = open_page("/")
    page.get_by_role("link", name="Expected").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Expected")
    names = [row["customer_name"] for row in listed(site, "&sort=expected_value")]
    assert rows(page).locator("th a").all_inner_texts() == names


def test_the_points_add_up_on_the_page(site, open_page):
    page = open_page(paths(site)["customer"])
    points = page.locator("table.waterfall tbody td.number").all_inner_texts()
    assert sum(int(point) for point in points) == best(site)["propensity_score"]


def test_other_values_give_the_score_that_the_api_gives(site, open_page):
    page = open_page(paths(site)["customer"])
    before = page.locator("#what-if-score").inner_text()
    path = f"{site}/api/customers/{best(site)['customer_id']}/expansion-propensity/what-if"
    lever = ask(path + "?target=99")["levers"][0]
    slider = page.locator(f"#what-if input[name={lever['feature']}]")
    slider.focus()
    slider.press("End" if lever["to"] > lever["from"] else "Home")
    expect(page.locator(f"#points-{lever['feature']}")).to_contain_text("points")
    step = float(slider.get_attribute("data-step"))
    value = round(math.floor(float(slider.input_value()) / step + 0.5) * step, 4)
    answer = ask(path, {"changes": {lever["feature"]: value}})
    expect(page.locator("#what-if-score")).to_have_text(str(answer["changed_score"]))
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#what-if-score")).to_have_text(before)


def test_what_would_lift_a_score(site, open_page):
    low = ask(site + "/api/analytics/expansion-propensity?limit=200")["data"][-1]
    page = open_page(f"/customers/{low['customer_id']}")
    page.get_by_label("What would lift it to").fill(str(low["propensity_score"] + 1))
    page.get_by_role("button", name="Find out").click()
    expect(page.locator("#target-answer")).not_to_be_empty()


def test_actions_are_handed_on(site, open_page):
    page = open_page(paths(site)["customer"])
    page.get_by_role("button", name="Create expansion opp").click()
    expect(page.locator("#action-state")).to_contain_text("Handed on")
    page.get_by_role("button", name="Schedule meeting").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar entry").click()
    assert download.value.path().read_text().startswith("BEGIN:VCALENDAR")
    page.get_by_role("button", name="Generate proposal").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Proposal to print").click()
    assert best(site)["customer_name"] in download.value.path().read_text()


def test_a_meeting_is_at_the_time_that_is_given(site, open_page):
    page = open_page(paths(site)["customer"], timezone_id="America/Los_Angeles")
    page.get_by_label("Meeting at").fill("2101-03-01T10:00")
    page.get_by_role("button", name="Schedule meeting").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar entry").click()
    assert "DTSTART:21010301T180000Z" in download.value.path().read_text()


def test_pressing_twice_is_one_action(site, open_page):
    page = open_page(paths(site)["customer"])
    answers = []
    page.on("response", lambda answer: answers.append(answer.json()["action_id"]) if answer.url.endswith("/actions") else None)
    for _ in range(2):
        page.get_by_role("button", name="Create expansion opp").click()
        expect(page.get_by_role("button", name="Create expansion opp")).to_be_enabled()
        expect(page.locator("#action-state")).to_contain_text("Handed on")
    assert len(answers) == 2 and len(set(answers)) == 1, answers


def test_what_became_of_it_is_put_on_record(site, open_page):
    page = open_page(paths(site)["customer"])
    page.get_by_text("What became of it").click()
    page.get_by_label("Outcome").select_option("dismissed")
    page.get_by_label("Reason").fill("no budget")
    page.get_by_role("button", name="Record").click()
    expect(page.locator("#outcome-state")).to_have_text("On record.")


def test_a_question_is_answered(site, open_page):
    page = open_page("/")
    page.get_by_label("Ask").fill("Which accounts are ready to expand?")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#answer")).to_contain_text(best(site)["customer_name"])


def test_a_csm_sees_their_own_customers_and_may_not_refresh(site, open_page):
    csm = best(site)["csm_id"]
    page = open_page("/", extra_http_headers={"authorization": f"Bearer csm:{csm}"})
    expect(page.get_by_role("button", name="Refresh")).to_have_count(0)
    assert rows(page).count() > 0
    for row in rows(page).all():
        assert csm in row.locator("th small").inner_text()


def test_accuracy_shows_what_happened(open_page):
    page = open_page("/accuracy")
    expect(page.get_by_role("heading", name="Calibration")).to_be_visible()
    assert page.locator(".chart svg circle").count() > 10
    expect(page.get_by_text("champion", exact=True)).to_have_count(1)


def test_keyboard_reaches_the_content(open_page):
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_a_refresh_shows_its_progress_and_that_a_newer_one_is_shown(open_page):
    # The last one: it makes a new run. Of the day that the local run was started for, before that of the run that is shown.
    page = open_page("/")
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#refresh-progress")).to_be_visible()
    expect(page.get_by_text("is complete, but a newer one is shown")).to_be_visible(timeout=120_000)
    expect(rows(page)).to_have_count(25)


def test_prints_well(site, open_page):
    page = open_page(paths(site)["customer"])
    page.emulate_media(media="print")
    expect(page.locator("header nav")).to_be_hidden()
    expect(page.locator("table.waterfall")).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "customer-print.png", full_page=True)
