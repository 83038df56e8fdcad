"use strict";
(() => {
  const one = (path) => document.querySelector(path);
  const settings = JSON.parse(one("#settings").textContent);
  const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const TITLES = new Map(settings.scale.map((one) => [one.grade, one.title ? `${one.grade} ${one.title}` : `grade ${one.grade}`]));
  const KEYS = new Map(settings.scale.map((one) => [one.key, one.grade]));
  const RETRY_MS = 1500;
  const LONGEST_TITLE = 120;
  const HASTE_MS = 120;
  const NARROW = 640;

  let rater = settings.rater;
  let view = null;
  let busy = false;
  let shownAt = 0;
  let lastQuery = null;
  let lastAnswer = "";
  let wasSettled = false;

  // What is not saved by the server is kept by the browser, as long as it allows that.
  const kept = {
    name: (what) => `evalkit ${location.pathname} ${what}`,
    get(what, store = localStorage) { try { return store.getItem(this.name(what)); } catch { return null; } },
    set(what, value, store = localStorage) {
      try { if (value === null) store.removeItem(this.name(what)); else store.setItem(this.name(what), value); } catch { /* not allowed */ }
    },
  };

  const element = (tag, text, name) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const show = (path, visible) => { one(path).hidden = !visible; };
  const say = (text) => { one("#live").textContent = text; };
  const complain = (text) => { one("#alert").textContent = text; };
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  // Sends a click until the server has answered it. A click that arrives twice is saved once.
  async function send(click) {
    const what = `unsent ${rater}`;
    const changes = !["open", "later"].includes(click.action);
    busy = true;
    lock();
    if (changes) kept.set(what, JSON.stringify(click));
    try {
      for (;;) {
        const [status, reply] = await post(click);
        if (status === 200) {
          kept.set(what, null);
          complain("");
          return reply;
        }
        if (status && status < 500) {
          kept.set(what, null);
          complain(reply.error);
          return null;
        }
        const cause = status ? `The answer could not be saved: ${reply.error}.` : "The server does not answer.";
        const rest = changes ? "Your last answer is kept in this browser and is sent again." : "";
        const remedy = status ? "" : `Start it again with: ${settings.command}`;
        complain([cause, rest, remedy].filter(Boolean).join(" "));
        one("#saved").className = "saved";
        one("#saved").textContent = changes ? "Not saved" : "No connection";
        await pause(RETRY_MS);
      }
    } finally {
      busy = false;
      lock();
    }
  }

  async function post(click) {
    try {
      const reply = await fetch("click", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(click) });
      const text = await reply.text();
      try { return [reply.status, JSON.parse(text)]; } catch { return [reply.status, { error: text.slice(0, 200) }]; }
    } catch { return [0, {}]; }
  }

  async function open() {
    let unsent = null;
    try { unsent = JSON.parse(kept.get(`unsent ${rater}`)); } catch { /* unreadable */ }
    const found = (unsent && await send(unsent)) || await send({ rater, action: "open" });
    if (found) render(found);
    else askName();
  }

  async function act(action, grade) {
    if (busy || !rater || !view) return;
    const undone = action === "undo";
    const target = undone ? view.undo : view.task && { task: view.task.key, turn: view.task.turn };
    if (action !== "again" && !target) return;
    const click = { rater, action, ...(target && action !== "again" ? target : {}) };
    if (action === "grade") click.grade = grade;
    if (["grade", "skip"].includes(action)) click.note = one("#note").value;
    const note = view.task && `note ${view.task.key}`;
    const reply = await send(click);
    if (reply === null) {
      const message = one("#alert").textContent;
      const fresh = await send({ rater, action: "open" });
      if (fresh) render(fresh);
      complain(message);
      return;
    }
    if (note && ["grade", "skip"].includes(action)) kept.set(note, null);
    lastAnswer = { grade: TITLES.get(grade), skip: "skipped", later: "postponed", undo: "undone", again: "" }[action];
    render(reply);
  }

  function lock() {
    for (const button of document.querySelectorAll("#panel button, #done button"))
      if (!["help-button", "note-button"].includes(button.id)) button.disabled = busy;
    one("#undo").disabled = busy || !(view && view.undo);
    if (!busy) for (const button of document.querySelectorAll(".given")) button.classList.remove("given");
  }

  function render(found) {
    view = found;
    show("#welcome", false);
    one("#who").hidden = false;
    one("#who").textContent = view.rater;
    one("#who").setAttribute("aria-label", `Rater ${view.rater}: change the name`);
    renderProgress();
    document.body.classList.add("working");
    show("#rating", view.task);
    show("#panel", view.task);
    show("#done", !view.task);
    if (view.task) renderTask(); else renderDone();
    lock();
  }

  function renderProgress() {
    const { all, sample, own } = view.progress;
    const part = sample.total && sample.done < sample.total ? sample : all;
    one("#place").textContent = settings.title;
    const figures = one("#overall");
    figures.replaceChildren(element("b", part.done.toLocaleString("en")), ` of ${part.total.toLocaleString("en")}${part === sample ? " in the random sample" : ""}`);
    const each = view.seconds_each;
    const minutes = view.minutes_left;
    const left = minutes === null || all.done === all.total ? "" : minutes < 90 ? `about ${Math.max(1, Math.round(minutes))} min left` : `about ${Math.round(minutes / 60)} h left`;
    one("#pace").textContent = each ? `${each >= 1 && left ? `${Number((60 / each).toPrecision(2))} a minute, ` : ""}${left}` : "";
    const found = view.agreement;
    one("#agreement").textContent = found ? `agreement ${Math.round(100 * found.equal / found.pairs)}% of ${found.pairs}` : "";
    one("#agreement").title = found ? `Of ${counted(found.pairs, "document")} that you and another rater graded, ${found.equal} have equal grades and ${found.within_one} differ by at most one.` : "";
    const track = one("#track");
    track.hidden = false;
    track.setAttribute("aria-valuemax", String(part.total));
    track.setAttribute("aria-valuenow", String(part.done));
    one("#fill").style.width = `${100 * part.done / Math.max(1, part.total)}%`;
    one("#saved").className = own || lastAnswer ? "saved ok" : "saved";
    one("#saved").textContent = own || lastAnswer ? `Saved ${own.toLocaleString("en")}${lastAnswer ? `, last: ${lastAnswer}` : ""}` : "Every answer is saved at once";
  }

  // Of the active order: whether more answers can still change which of two systems is ahead. It names neither.
  function settlingText(found) {
    if (!found) return "";
    const sure = found.probability === null ? "" : ` with probability ${(Math.floor(100 * found.probability) / 100).toFixed(2)}`;
    if (found.settled) return `Settled${sure}: you can stop. It is settled which system is ahead on these queries; further answers are welcome, but not needed.`;
    if (found.probability === null) return "Not settled: too few documents are judged to say how many are needed.";
    return `Not settled: the order of the two systems is known${sure}; 0.95 is enough. About ${counted(found.more, "more document")} settle${found.more === 1 ? "s" : ""} it.`;
  }

  function renderTask() {
    const { task, progress } = view;
    const sameQuery = task.query === lastQuery;
    const number = Math.min(progress.query.done + 1, progress.query.total);
    one("#query").textContent = task.query;
    one("#query").parentElement.querySelector(".eyebrow span").textContent = `Query ${progress.query_number.toLocaleString("en")} of ${progress.queries.toLocaleString("en")}`;
    renderPips(progress.query);
    one("#instruction").textContent = task.instruction;
    show("#instruction", task.instruction);
    one("#settling").textContent = settlingText(view.settling);
    show("#settling", view.settling);
    const text = one("#text");
    const words = renderText(text, task.document);
    one("#document-name").replaceChildren(element("span", `Document ${number} of ${progress.query.total}`), element("span", counted(words, "word")));
    const card = one("#document");
    for (const node of sameQuery ? [card] : [card, one(".asked")]) {
      node.classList.remove("fresh");
      void node.offsetWidth;
      node.classList.add("fresh");
    }
    one("#note").value = kept.get(`note ${task.key}`) ?? "";
    openNote(false);
    one("#main").scrollTop = 0;
    one("#query").scrollTop = 0;
    card.focus({ preventScroll: true });
    const news = view.settling && view.settling.settled && !wasSettled ? " Settled: you can stop." : "";
    wasSettled = Boolean(view.settling && view.settling.settled);
    say(`${lastAnswer ? `${lastAnswer}. ` : ""}${sameQuery ? "" : `New query: ${task.query.slice(0, 300)}. `}Document ${number} of ${progress.query.total}. ${progress.all.done} of ${progress.all.total} done.${news}`);
    lastQuery = task.query;
    shownAt = performance.now();
    measure();
  }

  function renderPips({ done, total }) {
    const pips = one("#pips");
    pips.replaceChildren();
    if (total > 24) return;
    for (let place = 0; place < total; place += 1) pips.append(element("i", "", place < done ? "did" : place === done ? "now" : ""));
  }

  // Every second part is a word of the query. A short first line is a title.
  function renderText(into, parts) {
    into.replaceChildren();
    const whole = parts.join("");
    const end = whole.indexOf("\n");
    let title = end > 0 && end <= LONGEST_TITLE && whole.slice(end).trim() ? end : 0;
    let target = into;
    if (title) { target = element("strong", ""); into.append(target); }
    const put = (text, marked) => { if (text) target.append(marked ? element("mark", text) : document.createTextNode(text)); };
    parts.forEach((part, place) => {
      const marked = place % 2 === 1;
      if (target !== into && part.length >= title) {
        put(part.slice(0, title), marked);
        target = into;
        put(part.slice(title), marked);
        return;
      }
      title -= part.length;
      put(part, marked);
    });
    return (whole.match(/\S+/g) ?? []).length;
  }

  function renderDone() {
    const { all, own, skipped } = view.progress;
    const waiting = all.done < all.total;
    one("#done-sign").textContent = waiting ? "…" : "✓";
    one("#done-sign").classList.toggle("waiting", waiting);
    one("#done-title").textContent = waiting ? "Nothing left for you right now" : "All done. Thank you!";
    const open = all.total - all.done;
    one("#done-text").textContent = waiting
      ? `${counted(open, "document")} ${open === 1 ? "is" : "are"} with ${counted(view.others, "other rater")}.`
      : `${counted(all.total, "document")} for ${counted(view.progress.queries, "query").replace("querys", "queries")} ${all.total === 1 ? "is" : "are"} rated. Everything is saved.`;
    one("#done-settling").textContent = settlingText(view.settling);
    show("#done-settling", view.settling);
    const found = view.agreement;
    const figures = [["Graded by you", own], ["Skipped", skipped]];
    if (found) figures.push(["Agreement", `${Math.round(100 * found.equal / found.pairs)}%`]);
    one("#done-figures").replaceChildren(...figures.map(([name, value]) => {
      const group = document.createElement("div");
      group.append(element("dt", name), element("dd", String(value)));
      return group;
    }));
    show("#again", skipped);
    show("#check", waiting);
    show("#undo-done", view.undo);
    one("#done-title").focus({ preventScroll: true });
    say(one("#done-title").textContent);
    lastQuery = null;
  }

  function askName() {
    rater = null;
    view = null;
    document.body.classList.remove("working");
    for (const path of ["#rating", "#panel", "#done", "#track"]) show(path, false);
    for (const path of ["#overall", "#pace", "#agreement"]) one(path).textContent = "";
    show("#welcome", true);
    show("#who", false);
    const first = settings.sampled === settings.queries ? " They are a random sample." : ` The ${counted(settings.sampled, "query").replace("querys", "queries")} of a random sample come first.`;
    const sample = settings.sampled ? first : "";
    one("#welcome-text").textContent = `${counted(settings.pairs, "document")} for ${counted(settings.queries, "query").replace("querys", "queries")}. You see one document at a time and press the key of its grade.${sample}`;
    one("#name").value = kept.get("name") ?? "";
    one("#name").focus();
  }

  function openNote(visible) {
    show("#note-box", visible);
    one("#note-button").setAttribute("aria-expanded", String(visible));
    one("#note-button").classList.toggle("has", Boolean(one("#note").value.trim()));
    if (visible) one("#note").focus();
    measure();
  }

  function closeNote() {
    openNote(false);
    one("#document").focus({ preventScroll: true });
  }

  function measure() {
    const main = one("#main");
    one("#panel").classList.toggle("more", main.scrollHeight - main.scrollTop - main.clientHeight > 8);
  }

  function give(grade, button) {
    if (busy) return;
    button.classList.add("given");
    act("grade", grade);
  }

  function buildScale() {
    const box = one("#scale");
    const top = Math.max(1, settings.scale.length - 1);
    box.style.setProperty("--columns", String(settings.scale.length <= 5 ? settings.scale.length : Math.ceil(settings.scale.length / 2)));
    for (const { grade, key, title, meaning } of settings.scale) {
      const button = element("button", "", title ? "" : "bare");
      button.type = "button";
      button.dataset.grade = String(grade);
      button.dataset.tone = String(Math.round(3 * grade / top));
      button.append(element("kbd", key.toUpperCase()));
      if (title) button.append(element("b", title));
      button.append(element("span", meaning));
      button.addEventListener("click", () => give(grade, button));
      box.append(button);
      const item = element("li", "");
      item.append(element("kbd", key.toUpperCase()), element("span", title || meaning));
      one("#preview").append(item);
      const row = document.createElement("tr");
      const name = element("th", "");
      name.scope = "row";
      name.append(element("kbd", key.toUpperCase()));
      row.append(name, element("td", title ? `${title}: ${meaning}` : meaning));
      one("#help-scale").append(row);
    }
    if (settings.guidelines) {
      const box = one("#guidelines");
      box.hidden = false;
      box.open = kept.get("guidelines") ? kept.get("guidelines") === "open" : innerWidth > NARROW;
      box.querySelector("p").textContent = settings.guidelines;
      box.addEventListener("toggle", () => { if (view) kept.set("guidelines", box.open ? "open" : "closed"); measure(); });
    }
  }

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat || one("#help").open) return;
    const target = event.target;
    if (target.closest("input, textarea")) return;
    if (!view || busy) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((key === " " || key === "Enter") && target.closest("button, summary, a")) return;
    const chosen = KEYS.get(key);
    const actions = { " ": () => act("skip"), j: () => act("later"), u: () => act("undo"), n: () => openNote(true), "?": () => one("#help").showModal(), g: () => { one("#guidelines").open = !one("#guidelines").open; } };
    const does = chosen === undefined ? actions[key] : () => give(chosen, one(`#scale [data-grade="${chosen}"]`));
    if (!does) return;
    event.preventDefault();
    if (!view.task && !["u", "?"].includes(key)) return;
    // A key that was pressed for the document before must not grade one that was not seen.
    if (performance.now() - shownAt < HASTE_MS && !"ng?".includes(key)) return;
    does();
  }

  buildScale();
  one("#name-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = one("#name").value.trim();
    if (!name) return;
    rater = name;
    lastAnswer = "";
    lastQuery = null;
    kept.set("name", name);
    kept.set("name", name, sessionStorage);
    open();
  });
  one("#who").addEventListener("click", () => { if (!busy) askName(); });
  one("#skip").addEventListener("click", () => act("skip"));
  one("#later").addEventListener("click", () => act("later"));
  one("#undo").addEventListener("click", () => act("undo"));
  one("#undo-done").addEventListener("click", () => act("undo"));
  one("#again").addEventListener("click", () => act("again"));
  one("#check").addEventListener("click", () => open());
  one("#note-button").addEventListener("click", () => (one("#note-box").hidden ? openNote(true) : closeNote()));
  one("#help-button").addEventListener("click", () => one("#help").showModal());
  one("#note").addEventListener("input", () => { if (view && view.task) kept.set(`note ${view.task.key}`, one("#note").value || null); });
  one("#note").addEventListener("keydown", (event) => {
    if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey && !event.isComposing)) { event.preventDefault(); closeNote(); }
  });
  one("#main").addEventListener("scroll", measure, { passive: true });
  addEventListener("resize", measure);
  document.addEventListener("keydown", pressed);

  rater = rater ?? kept.get("name", sessionStorage);
  if (rater) open(); else askName();
})();
