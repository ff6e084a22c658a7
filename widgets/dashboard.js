// The panel of a training session: draws the frames that Python sends, sends what is pressed and typed.

const ICONS = {
  Start: "M3 1.5v11l9-5.5z",
  Continue: "M3 1.5v11l9-5.5z",
  Pause: "M3 2h3v10H3zM8 2h3v10H8z",
  Stop: "M2.5 2.5h9v9h-9z",
  Reset: "M7 2a5 5 0 1 1-4.6 3l1.4.6A3.5 3.5 0 1 0 7 3.5V6L3.5 2.8 7 0z",
};
const ACTIONS = { Start: "start", Continue: "start", Pause: "pause", Stop: "stop", Reset: "reset" };

// A button that stays focusable while it cannot be used, so that the keyboard never loses its place.
function makeButton(word, model, kind) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 14 14");
  icon.setAttribute("aria-hidden", "true");
  icon.append(path);
  const text = node("span");
  const root = node("button", { type: "button", class: kind }, icon, text);
  let shown = "";
  root.onclick = () => {
    if (root.getAttribute("aria-disabled") !== "true") model.send({ kind: "press", action: ACTIONS[shown] });
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
  const title = node("h3"), state = node("span", { class: "wb-state" });
  const first = makeButton("Start", model, "wb-primary");
  const stop = makeButton("Stop", model, "");
  const reset = makeButton("Reset", model, "");
  const form = makeForm(model.get("fields"), model, { continuous: false });
  const progress = makeProgress();
  const position = node("span"), facts = node("span");
  const message = node("p", { class: "wb-message" });
  const loss = makePicture("Loss of the training"), live = makePicture("Live picture");
  const texts = node("p", { class: "wb-texts" });
  const body = node("tbody");
  const copied = node("div", { class: "wb-copied" });
  const copy = node("button", { type: "button", class: "wb-quiet", onclick: () => model.send({ kind: "copy" }) },
    "Copy numbers");
  const numbers = node("details", {}, node("summary", {}, "Numbers"), node("table", {}, body),
    node("div", { class: "wb-row" }, copy, copied));
  const announcement = node("div", { class: "wb-unseen", "aria-live": "polite" });

  el.classList.add("wb");
  el.append(node("section", { class: "wb-card", "aria-label": "Training session" },
    node("div", { class: "wb-row wb-head" }, title, state),
    node("div", { class: "wb-row" }, node("div", { class: "wb-row wb-buttons" }, first.root, stop.root, reset.root),
      form.root),
    progress.root,
    node("div", { class: "wb-row wb-under" }, position, facts),
    message,
    node("div", { class: "wb-pictures" }, loss.root, live.root),
    texts, numbers, announcement));

  const show = () => {
    const frame = model.get("frame");
    title.textContent = frame.title;
    state.textContent = frame.word;
    state.dataset.state = frame.state;
    const open = frame.state !== "closed";
    first.update(frame.button, open && frame.state !== "done");
    stop.update("Stop", frame.state === "running" || frame.state === "paused");
    reset.update("Reset", open && (frame.iteration > 0 || frame.state !== "idle"));
    progress.update(frame);
    position.textContent = frame.position;
    facts.textContent = frame.facts.join(" · ");
    message.textContent = frame.message;
    message.classList.toggle("wb-error", frame.failed);
    loss.update(frame.loss);
    live.update(frame.live);
    texts.textContent = frame.texts.join(" · ");
    if (numbers.open) showRows(body, frame.rows);
    form.update(frame.controls);
    if (announcement.textContent !== frame.announcement) announcement.textContent = frame.announcement;
  };
  numbers.ontoggle = show;
  show();

  return listen(model, {
    "change:frame": show,
    "msg:custom": (content) => content.kind === "numbers" && copyText(content.text, copied),
  });
}
