// A table of runs: one page of it at a time. What is sorted, filtered, selected and edited is sent to Python,
// which answers with the page to show. Rows are filled again, never made again, so that the focus stays.

function renderRuns({ model, el }) {
  let asked = 0, answered = 0, shownColumns = "";
  const silence = node("p", { class: "wb-error", role: "alert" });
  const ask = (content) => {
    asked += 1;
    const mine = asked;
    setTimeout(() => { if (answered < mine) silence.textContent = SILENCE; }, 8000);
    try {
      model.send({ ...content, seq: asked });
    } catch {
      silence.textContent = SILENCE;
    }
  };
  const filter = makeFilter(ask);
  const status = node("p", { class: "wb-texts", role: "status" });
  const message = node("p", { class: "wb-error", role: "alert" });
  const all = node("input", { type: "checkbox", "aria-label": "Select all runs that fit",
    onchange: () => ask({ kind: "select all", on: all.checked }) });
  const head = node("thead"), body = node("tbody");
  const scroll = node("div", { class: "wb-scroll", role: "region", tabindex: "0", "aria-label": "Table of runs" },
    node("table", {}, head, body));
  const pager = makePager(ask);
  const pictures = makeComparison(ask);
  let titles = [], rows = [];
  moveByArrows(body);
  el.classList.add("wb");
  el.append(node("section", { class: "wb-card wb-runs", "aria-label": "Runs" },
    node("div", { class: "wb-row wb-head" }, filter.root,
      node("button", { type: "button", class: "wb-quiet", onclick: () => ask({ kind: "read" }) }, "Read again")),
    silence, message, status, scroll, pager.root, pictures.root));

  const makeHead = (columns) => {
    titles = [...columns, "tag", "note"].map((name) => makeTitle(name, ask));
    head.replaceChildren(node("tr", {}, node("th", { scope: "col" }, all), ...titles.map((title) => title.root)));
    rows = [];
  };
  const showView = () => {
    const view = model.get("view");
    answered = Math.max(answered, view.seq);
    if (answered < asked) return; // an answer to something older would undo for a moment what was pressed since
    silence.textContent = "";
    if (shownColumns !== JSON.stringify(view.columns)) {
      shownColumns = JSON.stringify(view.columns);
      makeHead(view.columns);
    }
    for (const title of titles) title.update(view);
    while (rows.length < view.rows.length) rows.push(makeRunRow(view.columns, ask));
    view.rows.forEach((row, index) => rows[index].update(row, view.rejected));
    const wanted = rows.slice(0, view.rows.length).map((row) => row.root);
    if (body.children.length !== wanted.length || wanted.some((row, index) => body.children[index] !== row))
      body.replaceChildren(...wanted);
    all.checked = view.all === "all";
    all.indeterminate = view.all === "some";
    scroll.hidden = view.rows.length === 0;
    status.textContent = view.status;
    message.textContent = view.message;
    filter.update(view);
    pager.update(view);
  };
  const showPictures = () => pictures.update(model.get("pictures"));
  showView();
  showPictures();
  return listen(model, { "change:view": showView, "change:pictures": showPictures });
}

function makeFilter(ask) {
  const id = `wb-${realm}-${++count}`;
  const send = () => ask({ kind: "filter", text: box.value });
  const box = node("input", { id, type: "search", autocomplete: "off", spellcheck: "false",
    "aria-describedby": `${id}-help ${id}-error`, onchange: send,
    oninput: () => { if (!box.value) send(); } }); // emptied by its cross, which browsers call no change
  const error = node("p", { id: `${id}-error`, class: "wb-error", role: "alert" });
  const root = node("div", { class: "wb-filter" }, node("label", { for: id }, "Filter"), box,
    node("p", { id: `${id}-help`, class: "wb-help" },
      "Words such as loss<0.1, seed=3, tag=paper, or parts of a name, tag or note; then Enter."), error);
  const update = (view) => {
    if (document.activeElement !== box) box.value = view.filter;
    box.setAttribute("aria-invalid", view.problem ? "true" : "false");
    error.textContent = view.problem;
  };
  return { root, update };
}

// The head of a column: a button that sorts by it, and the other way round when it does already.
function makeTitle(name, ask) {
  const button = node("button", { type: "button", onclick: () => ask({ kind: "sort", name }) }, name);
  const root = node("th", { scope: "col" }, button);
  const update = (view) => root.setAttribute("aria-sort",
    view.sort !== name ? "none" : view.descending ? "descending" : "ascending");
  return { root, update };
}

function makeRunRow(columns, ask) {
  let run = "";
  const box = node("input", { type: "checkbox", onchange: () => ask({ kind: "select", run, on: box.checked }) });
  const cells = columns.map((name, index) =>
    index === 0 ? node("th", { scope: "row" }) : node("td", { "data-column": name }));
  const labels = ["tag", "note"].map((what) => makeLabel(what, (text) => ask({ kind: "label", what, run, text })));
  const root = node("tr", {}, node("td", {}, box), ...cells, ...labels.map((label) => node("td", {}, label.root)));
  const update = (row, rejected) => {
    const other = row.run !== run;
    run = row.run;
    root.dataset.state = row.state;
    box.checked = row.selected;
    box.setAttribute("aria-label", `Select run ${run}`);
    row.cells.forEach((text, index) => { cells[index].textContent = text; });
    for (const label of labels) label.update(row, other, rejected.run === run ? rejected : {});
  };
  return { root, update };
}

// A text of a run that is edited where it stands: Enter or leaving stores it, Escape takes it back. What could not
// be stored stays to be mended.
function makeLabel(what, store) {
  let stored = "", typing = false;
  const root = node("input", { type: "text", autocomplete: "off", spellcheck: "false",
    oninput: () => { typing = true; },
    onchange: () => {
      typing = false;
      store(root.value);
    } });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    typing = false;
    root.value = stored;
  });
  const update = (row, other, rejected) => {
    const refused = rejected.what === what;
    stored = row[what];
    root.setAttribute("aria-label", `${what === "tag" ? "Tags" : "Note"} of run ${row.run}`);
    root.setAttribute("aria-invalid", refused ? "true" : "false");
    if (refused) root.value = rejected.text;
    else if (other || !typing) root.value = stored;
  };
  return { root, update };
}

// Up and down go to the same control of the row above or below, so that a long table is not a long way of tabs.
function moveByArrows(body) {
  body.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const here = event.target.closest("td"), row = here?.parentNode;
    if (!step || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const to = body.children[[...body.children].indexOf(row) + step]?.children[here.cellIndex];
    event.preventDefault();
    to?.querySelector("input")?.focus();
  });
}

function makePager(ask) {
  let page = 0;
  const turn = (word, by) => {
    const root = node("button", { type: "button", class: "wb-quiet" }, word);
    root.onclick = () => {
      if (root.getAttribute("aria-disabled") !== "true") ask({ kind: "page", page: page + by });
    };
    return root;
  };
  const before = turn("Previous page", -1), after = turn("Next page", 1);
  const root = node("div", { class: "wb-row wb-buttons" }, before, after);
  const update = (view) => {
    page = view.page;
    root.hidden = view.pages === 1;
    before.setAttribute("aria-disabled", String(page === 0));
    after.setAttribute("aria-disabled", String(page === view.pages - 1));
  };
  return { root, update };
}

function makeComparison(ask) {
  const histories = makePicture("Losses of the selected runs"), against = makePicture("Result over parameter");
  const hint = node("p", { class: "wb-help" }, "Select runs to draw their losses over each other.");
  const told = node("p", { class: "wb-texts" });
  const axes = { parameter: makeChoice("Parameter"), result: makeChoice("Result") };
  const choose = () => ask({ kind: "axes", parameter: axes.parameter.box.value, result: axes.result.box.value });
  for (const axis of Object.values(axes)) axis.box.onchange = choose;
  const choice = node("div", { class: "wb-row wb-axes" }, axes.parameter.root, axes.result.root);
  const root = node("div", { class: "wb-pictures" }, node("div", {}, hint, histories.root),
    node("div", {}, choice, against.root), told);
  const update = (shown) => {
    histories.update(shown.histories);
    against.update(shown.against);
    told.textContent = shown.told.join(" ");
    hint.hidden = Boolean(shown.histories.svg);
    choice.hidden = !shown.against.svg;
    root.hidden = !shown.histories.svg && !shown.told.length && !shown.against.svg;
    for (const [kind, axis] of Object.entries(axes)) axis.update(shown.offered[kind], shown.axes[kind]);
  };
  return { root, update };
}

function makeChoice(word) {
  const id = `wb-${realm}-${++count}`;
  const box = node("select", { id });
  let shown = "";
  const update = (names, chosen) => {
    if (shown !== JSON.stringify(names)) {
      shown = JSON.stringify(names);
      box.replaceChildren(...names.map((name) => node("option", { value: name }, name)));
    }
    box.value = chosen;
  };
  return { root: node("span", {}, node("label", { for: id }, word), " ", box), box, update };
}
