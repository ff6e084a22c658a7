// Where a panel lives in the page.
//
// The saved output is only the static picture, in an element that carries the panel's slot name. While there
// is a kernel behind it, the live panel takes the picture's place; without one, the picture stays. This file
// comes last in every widget's script.

function makeWidget(render) {
  const initialize = ({ model }) => {
    const name = model.get("slot");
    const views = new Map(); // slot element → live element
    const mount = () => {
      for (const slot of document.querySelectorAll(`[data-workbench="${name}"]`)) {
        if (views.get(slot)?.parentNode === slot) continue;
        const left = [...views].find(([old]) => old === slot || !old.isConnected);
        const live = left ? left[1] : newView(render, model);
        if (left) views.delete(left[0]);
        views.set(slot, live);
        slot.replaceChildren(live);
        live.dispatchEvent(new Event("wb-moved"));
      }
    };
    const observer = new MutationObserver(mount);
    observer.observe(document.body, { childList: true, subtree: true });
    mount();
    keepListening(model, name);
    return () => observer.disconnect();
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
  render({ model, el });
  let focused = null;
  el.addEventListener("focusin", (event) => { focused = event.target; });
  el.addEventListener("focusout", (event) => { if (event.relatedTarget) focused = null; });
  el.addEventListener("wb-moved", () => {
    if (focused && document.activeElement === document.body) focused.focus({ preventScroll: true });
  });
  return el;
}
