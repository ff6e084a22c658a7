// A program that is typed, the sliders of its arguments, and what its derivative is there.

const TYPING_PAUSE = 350; // ms without a key before the program is read
const AT_WORK = 500; // ms before a program that has not ended is said to run
const PATIENCE = 5000; // ms before it may be one that does not end
const RUNNING = "Running the program …";
const ENDLESS = "The program is still running. If it does not end, restart the kernel.";

function renderPlayground({ model, el }) {
  const numbering = { last: 0 };
  const reader = makeReader(model, numbering, {
    running: (text) => {
      working.textContent = text;
      if (text) error.textContent = "";
      markStale();
    },
    silent: () => { error.textContent = SILENCE; },
    answered: () => showAnswer(),
  });
  const editor = makeEditor(model.get("text"), reader.read);
  const error = node("pre", { class: "wb-error wb-code", role: "alert", id: `${editor.area.id}-error` });
  const working = node("p", { class: "wb-waiting", role: "status" });
  editor.area.setAttribute("aria-describedby", `${editor.area.id}-help ${error.id}`);
  const sliders = node("div", {});
  const value = node("p", { class: "wb-code" });
  const printed = node("pre", { class: "wb-code wb-printed", "aria-label": "What the program prints" });
  const numbers = node("table", { "aria-label": "Derivatives" });
  const tier = node("p", { class: "wb-texts" });
  const picture = makePicture("Value and derivative");
  const result = node("div", { class: "wb-result" }, value, printed, numbers, tier, picture.root);
  el.classList.add("wb");
  el.append(node("div", { class: "wb-playground" }, node("div", {}, editor.root, working, error, sliders), result));

  let form;
  const showFields = () => {
    form = makeForm(model.get("fields"), model, { continuous: true, numbering });
    sliders.replaceChildren(form.root);
    showState();
  };
  const showState = () => {
    form.update(model.get("state"));
    reader.answered(model.get("state").seq);
  };
  const markStale = () => {
    result.classList.toggle("wb-stale", Boolean(model.get("answer").error || working.textContent));
  };
  const showAnswer = () => {
    const answer = model.get("answer");
    error.textContent = answer.error;
    editor.area.setAttribute("aria-invalid", answer.error ? "true" : "false");
    markStale();
    value.textContent = answer.value;
    printed.textContent = answer.printed;
    printed.hidden = !answer.printed;
    tier.textContent = answer.tier;
    numbers.hidden = answer.rows.length === 0;
    numbers.replaceChildren(
      node("thead", {}, node("tr", {}, ...answer.head.map((text) => node("th", { scope: "col" }, text)))),
      node("tbody", {}, ...answer.rows.map((row) => node("tr", {}, ...row.map((text) => node("td", {}, text))))));
    picture.update(answer);
  };
  showFields();
  showAnswer();
  return listen(model, { "change:fields": showFields, "change:state": showState, "change:answer": showAnswer });
}

// Sends what is typed. While a program is at work only the newest text waits: one that does not end is waited
// for once, and not once for each text that was typed meanwhile.
function makeReader(model, numbering, say) {
  let asked = 0, waiting = null, timers = [];
  const rest = () => {
    timers.forEach(clearTimeout);
    asked = 0;
    say.running("");
  };
  const read = (text) => {
    if (asked) {
      waiting = text;
      return;
    }
    numbering.last += 1;
    asked = numbering.last;
    timers = [[RUNNING, AT_WORK], [ENDLESS, PATIENCE]].map(([text, after]) => setTimeout(say.running, after, text));
    try {
      model.send({ kind: "program", text, seq: asked });
    } catch {
      rest();
      say.silent();
    }
  };
  const answered = (seq) => {
    if (!asked || seq < asked) return;
    rest();
    say.answered();
    const next = waiting;
    waiting = null;
    if (next !== null) read(next);
  };
  return { read, answered };
}

// Tab indents and Enter keeps the indentation; Escape, then Tab, leaves the editor for people without a mouse.
function makeEditor(text, typed) {
  const id = `wb-${realm}-${++count}`;
  const area = node("textarea", { id, class: "wb-editor", rows: 12, spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", wrap: "off" });
  area.value = text;
  let timer, leaving = false;
  area.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(() => typed(area.value), TYPING_PAUSE);
  };
  // This way of inserting is the one that the browser's own undo knows.
  const insert = (added) => document.execCommand("insertText", false, added);
  area.addEventListener("keydown", (event) => {
    const plain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Tab" && plain && !leaving) {
      event.preventDefault();
      insert("    ");
    } else if (event.key === "Enter" && plain && !event.isComposing) {
      const line = area.value.slice(0, area.selectionStart).split("\n").pop();
      event.preventDefault();
      insert(`\n${line.match(/^ */)[0]}${line.trimEnd().endsWith(":") ? "    " : ""}`);
    }
    leaving = event.key === "Escape";
  });
  const root = node("div", { class: "wb-typed" },
    node("label", { for: id }, "Program"), area,
    node("p", { id: `${id}-help`, class: "wb-help" },
      "The last function with a number such as x=1.0 is differentiated. Tab indents; Escape, then Tab, leaves the editor."));
  return { root, area };
}
