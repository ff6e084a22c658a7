// Controls above a picture that follows them.

function renderExplore({ model, el }) {
  const form = makeForm(model.get("fields"), model, { continuous: true });
  const picture = makePicture("Picture of the simulation");
  const texts = node("p", { class: "wb-texts" });
  const error = node("p", { class: "wb-error", role: "alert" });
  const copied = node("div", { class: "wb-copied" });
  const copy = node("button", { type: "button", class: "wb-quiet", onclick: () => model.send({ kind: "copy" }) },
    "Copy numbers");
  el.classList.add("wb");
  el.append(node("div", { class: "wb-explore" }, form.root,
    node("div", {}, picture.root, texts, error, node("div", { class: "wb-row" }, copy, copied))));

  const showState = () => form.update(model.get("state"));
  const showPicture = () => {
    const shown = model.get("picture");
    picture.update(shown);
    texts.textContent = shown.texts.join(" · ");
    error.textContent = shown.error;
  };
  showState();
  showPicture();
  return listen(model, {
    "change:state": showState,
    "change:picture": showPicture,
    "msg:custom": (message) => message.kind === "numbers" && copyText(message.text, copied),
  });
}
