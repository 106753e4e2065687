// What pages do beyond showing: refreshing, acting, trying other values. Without it they can still be read.
"use strict";

const API = "/api/analytics/expansion-propensity";
const element = (id) => document.getElementById(id);
const ofCustomer = (form, path) => `/api/customers/${form.dataset.customer}/expansion-propensity${path}`;

/** The answer to a request; a problem's words as an error. */
async function call(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { accept: "application/json", ...options.headers } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || body.message || `The server answered ${response.status}`);
  return body;
}

const post = (path, body) =>
  call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// ---------------------------------------------------------------- refresh

/** Looks failed in a row until it is given up. */
const MOST_FAILURES = 10;

/** Shows how far a run is until it is over, and then the new scores. */
async function follow(location) {
  const [state, progress] = [element("refresh-state"), element("refresh-progress")];
  progress.hidden = false;
  for (let failures = 0; ; await pause(1000)) {
    let run;
    try {
      run = await call(location);
      failures = 0;
    } catch (error) {
      if (++failures === MOST_FAILURES) throw error;
      continue;
    }
    state.textContent = run.state === "failed" ? `The refresh failed: ${run.failure}` : `A refresh is ${run.state}`;
    if (run.state === "complete" && run.is_older_than_current) {
      state.textContent = `The refresh as of ${run.as_of.slice(0, 10)} is complete, but a newer one is shown`;
      progress.hidden = true;
      return;
    }
    if (run.progress) {
      progress.max = run.progress.shards;
      progress.value = run.progress.done;
    }
    if (run.state === "complete") return window.location.reload();
    if (run.state === "failed") {
      progress.hidden = true;
      return;
    }
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
      const wanted = { action };
      const time = element("meeting-time").value;
      if (action === "schedule_meeting" && time) wanted.starts_at = new Date(time).toISOString();
      // Without a key the same action is the same on the same day: pressing again after a lost answer does no harm.
      const answer = await post(ofCustomer(actions, "/actions"), wanted);
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

/** Records what became of the recommendation. */
function recordOutcome() {
  const form = element("outcome");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const state = element("outcome-state");
    const given = [...new FormData(form)].filter(([, value]) => value !== "");
    const outcome = Object.fromEntries(given);
    if (outcome.amount) outcome.amount = Number(outcome.amount);
    try {
      await post(ofCustomer(form, "/outcome"), outcome);
      state.textContent = "On record.";
    } catch (error) {
      state.textContent = error.message;
    }
  });
}

// ---------------------------------------------------------------- ask

function answerQuestions() {
  const form = element("ask");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = element("answer");
    try {
      answer.textContent = (await post(`${API}/ask`, { question: form.question.value })).markdown;
    } catch (error) {
      answer.textContent = error.message;
    }
    answer.hidden = false;
  });
}

// ---------------------------------------------------------------- what if

/** A slider's value in the steps in which its feature is spoken of. */
const stepped = (slider) => {
  const step = Number(slider.dataset.step);
  return Number((Math.round(slider.value / step) * step).toFixed(4));
};

const inPoints = (change) => `${change.points >= 0 ? "+" : ""}${change.points} points`;

function tryValues() {
  const form = element("what-if");
  if (!form) return;
  const score = element("what-if-score");
  const sliders = [...form.querySelectorAll("input[type=range]")];
  // Not the attribute: browsers keep fewer digits.
  const starts = new Map(sliders.map((slider) => [slider.name, slider.value]));
  const labels = new Map(sliders.map((slider) => [slider.name, element(`label-${slider.name}`).textContent]));
  const first = score.textContent;
  let [isAsking, hasMoved] = [false, false];
  // One question at a time: what moves in the meantime is asked about afterwards, once.
  const ask = async () => {
    hasMoved = true;
    if (isAsking) return;
    isAsking = true;
    while (hasMoved) {
      hasMoved = false;
      await show();
    }
    isAsking = false;
  };
  const show = async () => {
    const moved = sliders.filter((slider) => slider.value !== starts.get(slider.name));
    const changes = Object.fromEntries(moved.map((slider) => [slider.name, stepped(slider)]));
    try {
      const answer = moved.length ? await post(ofCustomer(form, "/what-if"), { changes }) : null;
      score.textContent = answer ? answer.changed_score : first;
      const confidence = answer?.changed_confidence;
      element("what-if-interval").textContent =
        confidence ? `(${Math.round(confidence.lower)}–${Math.round(confidence.upper)}, ${confidence.level})` : "";
      for (const slider of sliders) {
        const change = answer?.changes.find((change) => change.feature === slider.name);
        element(`label-${slider.name}`).textContent = change ? change.changed_label : labels.get(slider.name);
        const along = answer?.changes.filter((other) => other.moves_with === slider.name) ?? [];
        const parts = change ? [`${inPoints(change)}${change.usual === false ? ", unusual here" : ""}`] : [];
        parts.push(...along.map((other) => `with it: ${other.changed_label} (${inPoints(other)})`));
        element(`points-${slider.name}`).textContent = parts.join("; ");
      }
    } catch (error) {
      element("what-if-interval").textContent = error.message;
    }
  };
  form.addEventListener("input", ask);
  form.addEventListener("reset", () => setTimeout(ask));
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
        const along = change.moves_with ? ", moves along" : "";
        item.textContent = `${change.label} → ${change.changed_label} (${inPoints(change)}${along})`;
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
recordOutcome();
answerQuestions();
tryValues();
findWay();
