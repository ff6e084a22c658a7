// Where a panel lives in the page.
//
// The saved output is only the static picture, in an element that carries the panel's slot name. While there
// is a kernel behind it, the live panel takes the picture's place; without one, the picture stays. This file
// comes last in every widget's script.

// Which model fills a slot, for all scripts of the page. A notebook that is closed and opened again in one page gets new
// models for the panels of its kernel, and nobody tells the old ones to go: the two would take the slot from each other.
const owners = (globalThis[Symbol.for("workbench.slots")] ??= new Map()); // slot name → model

function makeWidget(render) {
  const initialize = ({ model }) => {
    const name = model.get("slot");
    const views = new Map(); // slot element → view
    const leave = () => {
      observer.disconnect();
      for (const view of views.values()) view.stop();
      views.clear();
    };
    const mount = () => {
      if (owners.get(name) !== model || model.widget_manager.isDisposed) {
        leave();
        return;
      }
      for (const slot of document.querySelectorAll(`[data-workbench="${name}"]`)) {
        if (views.get(slot)?.el.parentNode === slot) continue;
        const left = [...views].find(([old]) => old === slot || !old.isConnected);
        const view = left ? left[1] : newView(render, model);
        if (left) views.delete(left[0]);
        views.set(slot, view);
        slot.replaceChildren(view.el);
        view.el.dispatchEvent(new Event("wb-moved"));
      }
    };
    const observer = new MutationObserver(mount);
    owners.set(name, model);
    observer.observe(document.body, { childList: true, subtree: true });
    mount();
    keepListening(model, name);
    return leave;
  };
  return { initialize, render: ({ model, el }) => render({ model, el: keepKeys(el) }) };
}

// anywidget waits two seconds for a widget's script. Where the page was busy for longer, with other outputs, it drops
// for ever what the kernel says to the widget. So a model that does not listen is made to listen without anywidget,
// and asks for what it has missed.
async function keepListening(model, name) {
  const whole = await model.widget_manager.get_model(name);
  try {
    await whole._handle_comm_msg({ content: { data: {} } });
  } catch {
    const plain = Object.getPrototypeOf(Object.getPrototypeOf(whole));
    whole.comm.on_msg(plain._handle_comm_msg.bind(whole));
    whole.comm.send({ method: "request_state" });
  }
}

// JupyterLab's shortcuts would take the arrow keys from a slider, and delete the cell on D, D.
function keepKeys(el) {
  el.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
  });
  return el;
}

// A live element that takes the keyboard with it when the page moves it.
function newView(render, model) {
  const el = keepKeys(document.createElement("div"));
  const stop = render({ model, el });
  let focused = null;
  el.addEventListener("focusin", (event) => { focused = event.target; });
  el.addEventListener("focusout", (event) => { if (event.relatedTarget) focused = null; });
  el.addEventListener("wb-moved", () => {
    if (focused && document.activeElement === document.body) focused.focus({ preventScroll: true });
  });
  return { el, stop };
}
