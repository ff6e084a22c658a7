// Taking things away from a panel: files saved by the browser, texts put into the clipboard.

function saveFile(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  node("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// The picture on its own, with the colours that the page gives it now.
function standaloneSvg(picture) {
  const style = getComputedStyle(picture);
  const svg = picture.querySelector("svg").outerHTML;
  return svg.replace(/var\((--wb-[\w-]+),([^)]*)\)/g, (_, name, fallback) =>
    (style.getPropertyValue(name).trim() || fallback).replaceAll('"', "'"));
}

function savePng(svg, name) {
  const image = new Image();
  const [, , width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg).slice(1).map(Number);
  image.onload = () => {
    const canvas = node("canvas", { width: 3 * width, height: 3 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 3 * width, 3 * height);
    canvas.toBlob((blob) => saveFile(name, "image/png", blob), "image/png");
  };
  const sized = svg.replace("<svg ", `<svg width="${3 * width}" height="${3 * height}" `);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(sized)}`;
}

// Buttons for all that can be taken away; `pictures` are [name, element] pairs.
function makeExport(send, pictures) {
  const told = node("div", { class: "wb-copied" });
  const ask = (what) => send({ kind: "export", what });
  const button = (text, onclick) => node("button", { type: "button", class: "wb-quiet", onclick }, text);
  const buttonsOf = ([name, picture]) => [
    button(`${name} as SVG`, () => picture.firstElementChild &&
      saveFile(`${name.toLowerCase()}.svg`, "image/svg+xml", standaloneSvg(picture))),
    button(`${name} as PNG`, () => picture.firstElementChild &&
      savePng(standaloneSvg(picture), `${name.toLowerCase()}.png`)),
  ];
  const report = button("Report as HTML", () => ask("report"));
  const root = node("details", { class: "wb-export" }, node("summary", {}, "Take away"),
    node("div", { class: "wb-row" },
      button("Copy numbers", () => ask("numbers")),
      button("Copy as command", () => ask("command")),
      button("History as CSV", () => ask("csv")),
      button("History as JSON", () => ask("json")),
      ...pictures.flatMap(buttonsOf),
      report),
    told);
  const offer = (name, picture) => report.before(...buttonsOf([name, picture]));
  const answer = (message) => {
    if (message.kind === "copy") copyText(message.text, told);
    if (message.kind === "file") {
      saveFile(message.name, message.type, message.text);
      told.replaceChildren(node("span", { role: "status" }, `${message.name} saved.`));
    }
  };
  return { root, offer, answer };
}
