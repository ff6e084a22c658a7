// Controls from descriptions: label, slider, number box, help, and what is wrong, next to each other.
// This file comes first in every widget's script; its functions are shared.

// Every widget has its own copy of this file, so a count alone would give two controls the same id.
const realm = Math.random().toString(36).slice(2, 8);
let count = 0;

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick" || name === "oninput" || name === "onchange") made[name] = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Round to the digits that a slider's step can tell apart: no 0.30000000000000004.
function tidy(number, field) {
  return field.kind === "integer" ? Math.round(number) : Number(number.toPrecision(4));
}

// Where a slider stands for a value, and back. A logarithmic slider moves by ratios.
function sliderScale(field) {
  if (field.log && field.low > 0) {
    const low = Math.log10(field.low), high = Math.log10(field.high);
    return {
      min: 0, max: 1000, step: 1,
      toPosition: (value) => (1000 * (Math.log10(value) - low)) / (high - low),
      toValue: (position) => clamp(tidy(10 ** (low + (position / 1000) * (high - low)), field), field),
    };
  }
  const rough = (field.high - field.low) / 200;
  return {
    min: field.low, max: field.high,
    step: field.kind === "integer" ? Math.max(1, Math.round(rough)) : niceStep(rough),
    toPosition: (value) => value,
    toValue: (position) => clamp(tidy(position, field), field),
  };
}

function clamp(value, field) {
  return Math.min(field.high, Math.max(field.low, value));
}

function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999);
}

function makeControl(field, send, continuous) {
  const id = `wb-${realm}-${++count}`;
  const unit = field.unit ? ` (${field.unit})` : "";
  const label = node("label", { for: id, id: `${id}-label` }, `${field.label}${unit}`);
  const help = node("p", { id: `${id}-help`, class: "wb-help" },
    field.kind === "switch" || field.kind === "choice" ? field.help : `${field.help} [${field.range}]`);
  const error = node("p", { id: `${id}-error`, class: "wb-error", role: "alert" });
  const described = { id, "aria-describedby": `${id}-help ${id}-error` };
  let box, slider, scale, typing = false;

  if (field.kind === "choice") {
    box = node("select", described, ...field.choices.map((choice) => node("option", { value: choice }, choice)));
    box.onchange = () => send(field.name, box.value);
  } else if (field.kind === "switch") {
    box = node("input", { ...described, type: "checkbox" });
    box.onchange = () => send(field.name, String(box.checked));
  } else {
    const number = field.kind !== "text";
    box = node("input", { ...described, type: "text", inputmode: number ? "decimal" : null, autocomplete: "off",
      spellcheck: "false" });
    box.oninput = () => { typing = true; };
    box.onchange = () => {
      typing = false;
      const text = box.value.trim(), value = text ? Number(text) : NaN;
      // At once: whoever goes on with the slider, before the answer is there, goes on from here.
      if (slider && value >= field.low && value <= field.high) slider.value = scale.toPosition(value);
      send(field.name, text);
    };
    if (number && field.low != null && field.high != null) {
      scale = sliderScale(field);
      slider = node("input", { type: "range", min: scale.min, max: scale.max, step: scale.step,
        "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` });
      const moved = (last) => {
        const value = scale.toValue(Number(slider.value));
        typing = false;
        box.value = value;
        slider.setAttribute("aria-valuetext", `${value} ${field.unit}`.trim());
        if (continuous || last) send(field.name, String(value));
      };
      slider.oninput = () => moved(false);
      slider.onchange = () => moved(true);
    }
  }

  const show = (value, problem) => {
    error.textContent = problem || "";
    box.setAttribute("aria-invalid", problem ? "true" : "false");
    if (field.kind === "switch") box.checked = value;
    else if (!problem && !typing) box.value = value;
    if (slider && document.activeElement !== slider) slider.value = scale.toPosition(value);
    if (slider) slider.setAttribute("aria-valuetext", `${value} ${field.unit}`.trim());
  };
  const root = node("div", { class: `wb-field wb-${field.kind}`, "data-name": field.name },
    label, ...(slider ? [slider] : []), box, help, error);
  return { root, show };
}

const SILENCE = "The kernel does not answer. If another cell is busy, wait; if the kernel was restarted, run this cell again.";

// All controls of a form. A change is sent with a growing number; while an answer is under way only the
// newest change waits, so that a slow simulator is never asked for positions that nobody sees any more.
// Forms of one panel share a numbering.
function makeForm(fields, model, { continuous, numbering = { last: 0 } }) {
  let sent = 0, answered = 0, waiting = null;
  const silence = node("p", { class: "wb-error wb-silence", role: "alert" });
  const post = (name, text) => {
    numbering.last += 1;
    sent = numbering.last;
    const asked = sent;
    setTimeout(() => { if (answered < asked) silence.textContent = SILENCE; }, 8000);
    try {
      model.send({ kind: "change", name, text, seq: sent });
    } catch {
      silence.textContent = SILENCE;
    }
  };
  const send = (name, text) => {
    if (continuous && sent > answered) {
      if (waiting && waiting[0] !== name) post(...waiting);
      waiting = [name, text];
    } else post(name, text);
  };
  const controls = new Map(fields.map((field) => [field.name, makeControl(field, send, continuous)]));
  const root = node("div", { class: "wb-form" });
  let group = "";
  for (const field of fields) {
    if (field.group !== group) {
      group = field.group;
      root.append(node("h4", { class: "wb-group" }, group));
    }
    root.append(controls.get(field.name).root);
  }
  root.append(silence);
  const update = (state) => {
    answered = Math.max(answered, state.seq);
    if (answered >= sent) silence.textContent = "";
    if (waiting && sent <= answered) {
      const next = waiting;
      waiting = null;
      post(...next);
      return;
    }
    if (state.seq < sent) return;
    for (const [name, control] of controls) control.show(state.values[name], state.errors[name]);
  };
  return { root, update };
}

// A picture that a screen reader knows as one image with a text, whatever is drawn in it.
function makePicture(name) {
  const root = node("div", { class: "wb-picture", role: "img", "aria-label": name });
  let labelled = -Infinity, waiting;
  const update = ({ svg, summary }) => {
    root.hidden = !svg;
    root.innerHTML = svg;
    root.firstElementChild?.setAttribute("aria-hidden", "true");
    const label = () => {
      labelled = performance.now();
      root.setAttribute("aria-label", `${name}. ${summary}`);
    };
    clearTimeout(waiting);
    const rest = 1000 - (performance.now() - labelled);
    if (rest <= 0) label();
    else waiting = setTimeout(label, rest);
  };
  return { root, update };
}

// Put text into the clipboard; where the browser refuses, show it to be copied by hand.
async function copyText(text, place) {
  try {
    await navigator.clipboard.writeText(text);
    place.replaceChildren(node("span", { role: "status" }, "Copied."));
  } catch {
    const area = node("textarea", { "aria-label": "Numbers to copy", rows: 6, readonly: true });
    area.value = text;
    place.replaceChildren(area);
    area.select();
  }
}

function listen(model, handlers) {
  for (const [event, handler] of Object.entries(handlers)) model.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
  };
}

function renderControls({ model, el }) {
  const form = makeForm(model.get("fields"), model, { continuous: false });
  el.classList.add("wb");
  el.append(form.root);
  const update = () => form.update(model.get("state"));
  update();
  return listen(model, { "change:state": update });
}
