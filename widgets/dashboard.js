// The panel of a training session: draws the frames that Python sends, sends what is pressed and typed.

const ICONS = {
  Start: "M3 1.5v11l9-5.5z",
  Continue: "M3 1.5v11l9-5.5z",
  Pause: "M3 2h3v10H3zM8 2h3v10H8z",
  Stop: "M2.5 2.5h9v9h-9z",
  Undo: "M5 1 1.5 4.5 5 8V5.5h3a2.5 2.5 0 0 1 0 5H4V12h4a4 4 0 0 0 0-8H5z",
  Reset: "M7 2a5 5 0 1 1-4.6 3l1.4.6A3.5 3.5 0 1 0 7 3.5V6L3.5 2.8 7 0z",
};
const ACTIONS = { Start: "start", Continue: "start", Pause: "pause", Stop: "stop", Undo: "undo", Reset: "reset" };

// A button that stays focusable while it cannot be used, so that the keyboard never loses its place.
function makeButton(word, send, kind) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 14 14");
  icon.setAttribute("aria-hidden", "true");
  icon.append(path);
  const text = node("span");
  const root = node("button", { type: "button", class: kind }, icon, text);
  let shown = "";
  root.onclick = () => {
    if (root.getAttribute("aria-disabled") !== "true") send({ kind: "press", action: ACTIONS[shown] });
  };
  const update = (newWord, usable) => {
    if (newWord !== shown) {
      shown = newWord;
      text.textContent = newWord;
      path.setAttribute("d", ICONS[newWord]);
    }
    root.setAttribute("aria-disabled", String(!usable));
  };
  update(word, true);
  return { root, update };
}

function makeProgress() {
  const fill = node("div", { class: "wb-fill" });
  const root = node("div", { class: "wb-progress", role: "progressbar", "aria-label": "Training progress",
    "aria-valuemin": 0 }, fill);
  const update = (frame) => {
    root.setAttribute("aria-valuemax", frame.iterations);
    root.setAttribute("aria-valuenow", frame.iteration);
    root.setAttribute("aria-valuetext", [frame.position, ...frame.facts].join(", "));
    fill.style.width = `${(100 * frame.iteration) / frame.iterations}%`;
  };
  return { root, update };
}

function showRows(body, rows) {
  body.replaceChildren(...rows.map(([name, value]) =>
    node("tr", {}, node("th", { scope: "row" }, name), node("td", {}, value))));
}

function renderDashboard({ model, el }) {
  // Sending throws where the kernel behind the panel was replaced.
  const send = (content) => {
    try {
      model.send(content);
    } catch {
      heard = -Infinity;
      listenToKernel();
    }
  };
  const title = node("h3"), state = node("span", { class: "wb-state" });
  const first = makeButton("Start", send, "wb-primary");
  const stop = makeButton("Stop", send, "");
  const reset = makeButton("Reset", send, "");
  const undo = makeButton("Undo", send, "wb-quiet");
  const numbering = { last: 0 };
  const fields = model.get("fields");
  const formOf = (live) => makeForm(
    fields.filter((field) => field.live === live).map((field) => (live ? { ...field, group: "" } : field)),
    model, { continuous: false, numbering });
  const now = formOf(true), later = formOf(false);
  const waiting = node("p", { class: "wb-waiting", role: "status" });
  const others = node("details", { hidden: !fields.some((field) => !field.live) },
    node("summary", {}, "Parameters for the next run"),
    node("p", { class: "wb-help" }, "These act when you press Reset, which begins anew."), later.root);
  const progress = makeProgress();
  const position = node("span"), facts = node("span");
  const message = node("p", { class: "wb-message" });
  const loss = makePicture("Loss of the training"), live = makePicture("Live picture");
  const pictures = node("div", { class: "wb-pictures" }, loss.root, live.root), more = new Map();
  const texts = node("p", { class: "wb-texts" });
  const body = node("tbody");
  const numbers = node("details", {}, node("summary", {}, "Numbers"), node("table", {}, body));
  const takeAway = makeExport(send, [["Loss", loss.root], ["Picture", live.root]]);
  const announcement = node("div", { class: "wb-unseen", "aria-live": "polite" });

  el.classList.add("wb");
  el.append(node("section", { class: "wb-card", "aria-label": "Training session" },
    node("div", { class: "wb-row wb-head" }, title, state),
    node("div", { class: "wb-row" }, node("div", { class: "wb-row wb-buttons" }, first.root, stop.root, reset.root,
      undo.root), now.root),
    progress.root,
    node("div", { class: "wb-row wb-under" }, position, facts),
    message, waiting,
    pictures, texts, others, numbers, takeAway.root, announcement));

  // A kernel that lives sends a frame or a beat every few seconds, also while another cell is busy.
  let heard = performance.now();
  const silent = () => model.get("frame").state !== "closed" && performance.now() - heard > 10_000;
  const listenToKernel = () => {
    if (!silent() || state.dataset.state === "silent") return;
    state.textContent = "No kernel";
    state.dataset.state = "silent";
    message.textContent = SILENCE;
    message.classList.add("wb-error");
  };
  const timer = setInterval(listenToKernel, 1000);
  const hear = () => {
    const wasSilent = state.dataset.state === "silent";
    heard = performance.now();
    if (wasSilent) show();
  };

  const show = () => {
    const frame = model.get("frame");
    title.textContent = frame.title;
    state.textContent = frame.word;
    state.dataset.state = frame.state;
    const open = frame.state !== "closed";
    first.update(frame.button, open && frame.state !== "done");
    stop.update("Stop", frame.state === "running" || frame.state === "paused");
    reset.update("Reset", open && (frame.iteration > 0 || frame.state !== "idle" || frame.waiting.length > 0));
    progress.update(frame);
    position.textContent = frame.position;
    facts.textContent = frame.facts.join(" · ");
    message.textContent = frame.message;
    message.classList.toggle("wb-error", frame.failed);
    loss.update(frame.loss);
    live.update(frame.live);
    for (const drawn of frame.more) {
      if (!more.has(drawn.name)) {
        more.set(drawn.name, makePicture(drawn.name));
        pictures.append(more.get(drawn.name).root);
        takeAway.offer(drawn.name, more.get(drawn.name).root);
      }
      more.get(drawn.name).update(drawn);
    }
    texts.textContent = frame.texts.join(" · ");
    if (numbers.open) showRows(body, frame.rows);
    undo.root.hidden = !frame.undo;
    undo.root.title = frame.undo;
    undo.root.setAttribute("aria-label", frame.undo ? `Undo: ${frame.undo}` : "Undo");
    waiting.textContent = frame.waiting.length ? `Reset to use the new ${frame.waiting.join(", ")}.` : "";
    now.update(frame.controls);
    later.update(frame.controls);
    if (announcement.textContent !== frame.announcement) announcement.textContent = frame.announcement;
  };
  numbers.ontoggle = show;
  show();

  const stopListening = listen(model, {
    "change:frame": () => { hear(); show(); },
    "change:beat": hear,
    "msg:custom": takeAway.answer,
  });
  return () => {
    clearInterval(timer);
    stopListening();
  };
}
