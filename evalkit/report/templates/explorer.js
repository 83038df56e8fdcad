"use strict";
// The explorer of single queries. Whatever comes from data is put in as text, never as markup.

const PAGE = 25;
const SHOWN = 10;
const at = (id) => document.getElementById(id);

function make(name, settings, ...children) {
  const node = Object.assign(document.createElement(name), settings);
  node.append(...children);
  return node;
}

function explore(data) {
  const view = { dataset: data.datasets[0], sort: "difference", down: false, page: 0 };
  const columns = [["query", "Query"], ["left", ""], ["right", ""], ["difference", "Difference"]];

  function fill(select, names, chosen) {
    select.replaceChildren(...names.map((name, i) => make("option", { value: i, textContent: name })));
    select.value = chosen;
  }

  function chooseDataset() {
    view.dataset = data.datasets[Number(at("dataset").value)];
    const { systems, queries, ids, instructions } = view.dataset;
    view.words = ids.map((id, i) => `${id} ${queries[i] ?? ""} ${instructions[i] ?? ""}`.toLowerCase());
    fill(at("left"), systems, 0);
    fill(at("right"), systems, view.dataset.best);
    refresh();
  }

  // What is compared now, one object a query, filtered and in order.
  function selection() {
    const { values, ids, lists } = view.dataset;
    const [left, right] = ["left", "right"].map((side) => values[Number(at(side).value)]);
    const wanted = at("search").value.trim().toLowerCase();
    const keeps = {
      all: () => true,
      better: (row) => row.difference > 0,
      worse: (row) => row.difference < 0,
      equal: (row) => row.difference === 0,
      listed: (row) => row.query in lists,
    }[at("filter").value];
    const rows = ids.map((_, query) => ({
      query, left: left[query], right: right[query],
      difference: left[query] === null || right[query] === null ? null : right[query] - left[query],
    })).filter((row) => keeps(row) && view.words[row.query].includes(wanted));
    const sign = view.down ? -1 : 1;
    const key = view.sort;
    return rows.sort((a, b) => (a[key] === null) - (b[key] === null) || sign * (a[key] - b[key]) || a.query - b.query);
  }

  function refresh() {
    view.rows = selection();
    view.page = 0;
    drawHead();
    drawPage();
  }

  function drawHead() {
    const names = view.dataset.systems;
    at("columns").replaceChildren(...columns.map(([key, title]) => {
      const side = key === "left" || key === "right";
      const label = side ? names[Number(at(key).value)] : title;
      const active = view.sort === key;
      const button = make("button", {
        type: "button",
        textContent: label + (active ? (view.down ? " \u25be" : " \u25b4") : ""),
        onclick: () => {
          view.down = active ? !view.down : key !== "query";
          view.sort = key;
          refresh();
        },
      });
      const head = make("th", { scope: "col", className: key === "query" ? "text" : "" }, button);
      head.setAttribute("aria-sort", active ? (view.down ? "descending" : "ascending") : "none");
      return head;
    }));
  }

  function drawPage() {
    const first = view.page * PAGE;
    const rows = view.rows.slice(first, first + PAGE);
    at("rows").replaceChildren(...rows.map(drawRow));
    const runs = view.dataset.runs ? "; runs with all their documents" : "";
    at("count").textContent =
      `${view.rows.length} of ${view.dataset.ids.length} queries; ${data.metric} at depth ${view.dataset.depth}${runs}`;
    at("page").textContent = rows.length ? `${first + 1} to ${first + rows.length}` : "none";
    at("back").disabled = first === 0;
    at("next").disabled = first + PAGE >= view.rows.length;
  }

  const number = (value) => (value === null ? "not scored" : value.toFixed(3));
  const tone = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");

  function drawRow(row) {
    const { ids, queries, instructions } = view.dataset;
    const text = queries[row.query];
    const button = make("button", { type: "button", className: "open", dir: "auto", textContent: text ?? ids[row.query] });
    button.setAttribute("aria-expanded", "false");
    const instruction = instructions[row.query];
    const second = instruction ? [make("div", { className: "instruction", dir: "auto", textContent: instruction })] : [];
    const line = make("tr", {},
      make("td", { className: "text" }, button, ...second, make("div", { className: "id", textContent: text === null ? "" : ids[row.query] })),
      make("td", { textContent: number(row.left) }),
      make("td", { textContent: number(row.right) }),
      make("td", { className: tone(row.difference), textContent: row.difference === null ? "" : (row.difference > 0 ? "+" : "") + row.difference.toFixed(3) }));
    button.onclick = () => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) line.nextSibling.remove();
      else line.after(make("tr", {}, make("td", { colSpan: columns.length }, drawQuery(row))));
    };
    return line;
  }

  function drawQuery(row) {
    const list = view.dataset.lists[row.query];
    if (!list) return make("p", { className: "note text", textContent: "This page has no document lists for this query (see the note above)." });
    const chosen = [Number(at("left").value), Number(at("right").value)];
    return make("div", { className: "sides" },
      drawSide(list, chosen[0], chosen[1], "right"), drawSide(list, chosen[1], chosen[0], "left"));
  }

  // A list: documents (places in dataset.docs), their grades, and for each system their ranks, 0 for none.
  function drawSide(list, own, other, otherSide) {
    const ranks = list.ranks[own];
    const places = list.docs.map((_, i) => i);
    const top = places.filter((i) => ranks[i] && ranks[i] <= SHOWN).sort((a, b) => ranks[a] - ranks[b]);
    const beyond = places.filter((i) => list.grades[i] > 0 && !(ranks[i] && ranks[i] <= SHOWN))
      .sort((a, b) => (ranks[a] || Infinity) - (ranks[b] || Infinity) || a - b);
    const items = (which) => make("ol", {}, ...which.map((i) => drawDocument(list, i, own, other, otherSide)));
    const side = make("div", {}, make("h3", { textContent: view.dataset.systems[own] }),
      top.length ? items(top) : make("p", { className: "note", textContent: "No documents." }));
    if (beyond.length) side.append(make("h3", { textContent: `Relevant, below the first ${SHOWN}` }), items(beyond));
    return side;
  }

  function drawDocument(list, i, own, other, otherSide) {
    const { docs, texts } = view.dataset;
    const rank = list.ranks[own][i];
    const there = list.ranks[other][i];
    const moved = rank && there ? there - rank : 0;
    const arrow = moved > 0 ? `\u25b2 ${moved} ` : moved < 0 ? `\u25bc ${-moved} ` : "";
    const grade = list.grades[i];
    const head = make("div", { className: "head" },
      make("span", { className: "rank", textContent: rank || "not found" }),
      make("span", { className: tone(moved), textContent: `${arrow}(${otherSide}: ${there || "not found"})` }),
      make("span", { className: grade > 0 ? "grade relevant" : "grade", textContent: grade === null ? "unjudged" : `grade ${grade}` }),
      make("bdi", { className: "id", textContent: docs[list.docs[i]] }));
    const item = make("li", {}, head);
    const text = texts[list.docs[i]];
    if (text) {
      const body = make("p", { className: "cut", dir: "auto", textContent: text });
      const button = make("button", { type: "button", className: "text" }, body);
      button.setAttribute("aria-expanded", "false");
      button.onclick = () => button.setAttribute("aria-expanded", String(!body.classList.toggle("cut")));
      item.append(button);
    }
    return item;
  }

  fill(at("dataset"), data.datasets.map((one) => one.name), 0);
  at("dataset").parentElement.hidden = data.datasets.length === 1;
  at("dataset").onchange = chooseDataset;
  for (const id of ["left", "right", "filter"]) at(id).onchange = refresh;
  at("search").oninput = refresh;
  at("back").onclick = () => { view.page -= 1; drawPage(); };
  at("next").onclick = () => { view.page += 1; drawPage(); };
  chooseDataset();
  at("explorer").hidden = false;
}

if (at("explorer-data")) explore(JSON.parse(at("explorer-data").textContent));
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((node) => { node.open = true; }));
