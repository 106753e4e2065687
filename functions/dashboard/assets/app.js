// What pages do beyond showing: refreshing, acting, trying other values. Without it they can still be read.
"use strict";

const API = "/api/analytics/expansion-propensity";
const element = (id) => document.getElementById(id);
const ofCustomer = (form, path) => `/api/customers/${form.dataset.customer}/expansion-propensity${path}`;

/** The answer to a request; a problem's words as an error. */
async function call(path, options = {}) {
  const response = await fetch(path, { headers: { accept: "application/json", ...options.headers }, ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || body.message || `The server answered ${response.status}`);
  return body;
}

const post = (path, body, headers = {}) =>
  call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });

// ---------------------------------------------------------------- refresh

/** Shows how far a run is until it is over, and then the new scores. */
async function follow(location) {
  const [state, progress] = [element("refresh-state"), element("refresh-progress")];
  progress.hidden = false;
  for (;;) {
    const run = await call(location);
    state.textContent = run.state === "failed" ? `The refresh failed: ${run.failure}` : `A refresh is ${run.state}`;
    if (run.progress) {
      progress.max = run.progress.shards;
      progress.value = run.progress.done;
    }
    if (run.state === "complete") return window.location.reload();
    if (run.state === "failed") {
      progress.hidden = true;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function watchRefresh() {
  const state = element("refresh-state");
  if (!state) return;
  const failed = (error) => { state.textContent = error.message; };
  if (state.dataset.location) follow(state.dataset.location).catch(failed);
  element("refresh")?.addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {
      const run = await post(`${API}/refresh`, {});
      await follow(run.location);
    } catch (error) {
      failed(error);
    } finally {
      event.target.disabled = false;
    }
  });
}

// ---------------------------------------------------------------- actions

/** A link to a text as a file. */
function file(text, type, name, label) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.textContent = label;
  return link;
}

function offerActions() {
  const actions = document.querySelector(".actions");
  if (!actions) return;
  const state = element("action-state");
  actions.addEventListener("click", async (event) => {
    const action = event.target.dataset.action;
    if (!action) return;
    event.target.disabled = true;
    try {
      const key = { "idempotency-key": crypto.randomUUID() };
      const answer = await post(ofCustomer(actions, "/actions"), { action }, key);
      state.replaceChildren("Handed on. ");
      if (answer.calendar) state.append(file(answer.calendar, "text/calendar", "meeting.ics", "Calendar entry"));
      if (answer.proposal_html) state.append(file(answer.proposal_html, "text/html", "proposal.html", "Proposal to print"), " ");
      if (answer.proposal_markdown) state.append(file(answer.proposal_markdown, "text/markdown", "proposal.md", "as Markdown"));
    } catch (error) {
      state.textContent = error.message;
    } finally {
      event.target.disabled = false;
    }
  });
}

// ---------------------------------------------------------------- what if

/** A slider's value in the steps in which its feature is spoken of. */
const stepped = (slider) => {
  const step = Number(slider.dataset.step);
  return Number((Math.round(slider.value / step) * step).toFixed(4));
};

function tryValues() {
  const form = element("what-if");
  if (!form) return;
  const score = element("what-if-score");
  const sliders = [...form.querySelectorAll("input[type=range]")];
  // Not the attribute: browsers keep fewer digits.
  const starts = new Map(sliders.map((slider) => [slider.name, slider.value]));
  const labels = new Map(sliders.map((slider) => [slider.name, element(`label-${slider.name}`).textContent]));
  const first = score.textContent;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const moved = sliders.filter((slider) => slider.value !== starts.get(slider.name));
    const changes = Object.fromEntries(moved.map((slider) => [slider.name, stepped(slider)]));
    try {
      const answer = moved.length ? await post(ofCustomer(form, "/what-if"), { changes }) : null;
      // A slider may have moved on in the meantime.
      if (mine !== asked) return;
      score.textContent = answer ? answer.changed_score : first;
      const confidence = answer?.changed_confidence;
      element("what-if-interval").textContent =
        confidence ? `(${Math.round(confidence.lower)}–${Math.round(confidence.upper)}, ${confidence.level})` : "";
      for (const slider of sliders) {
        const change = answer?.changes.find((change) => change.feature === slider.name);
        element(`label-${slider.name}`).textContent = change ? change.changed_label : labels.get(slider.name);
        element(`points-${slider.name}`).textContent =
          change ? `${change.points >= 0 ? "+" : ""}${change.points} points${change.usual === false ? ", unusual here" : ""}` : "";
      }
    } catch (error) {
      if (mine === asked) element("what-if-interval").textContent = error.message;
    }
  };
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
}

function findWay() {
  const form = element("target");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const state = element("target-answer");
    try {
      const answer = await call(ofCustomer(form, `/what-if?target=${encodeURIComponent(form.target.value)}`));
      const list = document.createElement("ul");
      for (const change of answer.changes) {
        const item = document.createElement("li");
        item.textContent = `${change.label} → ${change.changed_label} (${change.points >= 0 ? "+" : ""}${change.points} points)`;
        list.append(item);
      }
      const words = answer.reached ? `A score of ${answer.changed_score} with:` : `Nothing usual in the segment reaches it; the closest is ${answer.changed_score} with:`;
      state.replaceChildren(answer.changes.length ? words : "It is there already.", list);
    } catch (error) {
      state.textContent = error.message;
    }
  });
}

watchRefresh();
offerActions();
tryValues();
findWay();
