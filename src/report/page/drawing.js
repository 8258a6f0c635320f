// Elements, axes and the frame of a chart. Text of the data becomes text nodes and attributes, and never markup.

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
const html = (name, attributes = {}, ...children) => make(document.createElement(name), attributes, children);
const shape = (name, attributes = {}, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
const titled = (text) => shape("title", {}, text);
const label = (x, y, text, attributes = {}) => shape("text", { x, y, ...attributes }, text);
const line = (x1, y1, x2, y2, kind) => shape("line", { x1, y1, x2, y2, class: kind });

/// A rectangle that is marked with what it stands for.
function box(x, y, width, height, kind, title) {
  const size = { x, y, width: Math.max(0, width), height: Math.max(0, height) };
  return shape("rect", { ...size, class: `mark ${kind}` }, title ? titled(title) : null);
}

/// `text` in about so many pixels; of what is longer, the middle goes.
function fitted(text, width) {
  const most = Math.floor(width / 6.6);
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return most < 4 ? "" : `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

/// Round numbers from `low` to `high`, some `most` of them.
function ticks(low, high, most = 4) {
  const rough = (high - low || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => power * factor >= rough);
  const from = Math.floor(low / step) * step;
  return Array.from({ length: Math.ceil((high - from) / step - 1e-9) + 1 }, (_, index) => from + index * step);
}

/// Lines and labels of a vertical axis; gives the position of a value.
function verticalAxis(svg, frame, marks, worded) {
  const [low, high] = [marks[0], marks[marks.length - 1]];
  const at = (value) => frame.bottom - ((value - low) / (high - low || 1)) * (frame.bottom - frame.top);
  for (const mark of marks) {
    svg.append(line(frame.left, at(mark), frame.right, at(mark), mark === 0 ? "zero" : "grid"));
    svg.append(label(frame.left - 6, at(mark) + 4, worded(mark), { "text-anchor": "end" }));
  }
  return at;
}

/// The dates below spans, as many as there is room for; gives the begin and the width of a span.
function timeAxis(svg, frame, { from, to }) {
  const count = to - from + 1;
  const width = (frame.right - frame.left) / count;
  const at = (span) => frame.left + (span - from) * width;
  const step = Math.ceil((isOfDays ? 56 : 96) / width);
  for (let span = from; span <= to; span += step) {
    const text = shortMoment(data.spans[span]);
    if (at(span) + text.length * 6 <= frame.right + 4) svg.append(label(at(span), frame.bottom + 18, text));
  }
  return { at, width };
}

function legend(kinds) {
  return html("ul", { class: "legend" }, ...kinds.map(([kind, text]) => html("li", { class: kind }, html("span", {}, text))));
}

function table(head, rows) {
  const kind = (index) => (head[index].isText ? { class: "text" } : {});
  const cells = (row) => row.map((cell, index) => html(index === 0 ? "th" : "td", { ...kind(index), ...(index === 0 ? { scope: "row" } : {}) }, cell));
  return html("table", {},
    html("thead", {}, html("tr", {}, ...head.map(({ name }, index) => html("th", { scope: "col", ...kind(index) }, name)))),
    html("tbody", {}, ...rows.map((row) => html("tr", {}, ...cells(row)))));
}

/// A box that scrolls, which those without a mouse reach as well.
const scrolling = (name, ...children) => html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, ...children);

/// Puts a chart into the section `id`: a picture with its name and description, a legend, and the same as a table.
function show(id, { height, left = 56, description, empty, draw, kinds, head, rows }) {
  const section = document.getElementById(id);
  const isOpen = section.querySelector("details")?.open ?? false;
  section.querySelectorAll(":scope > .chart, :scope > .legend, :scope > details, :scope > .empty").forEach((old) => old.remove());
  if (empty) {
    section.append(html("p", { class: "empty" }, empty));
    return;
  }
  const holder = html("div", { class: "chart" });
  section.append(holder);
  const width = Math.max(240, holder.clientWidth);
  const name = section.querySelector("h2").textContent;
  const svg = shape("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": `${id}-title ${id}-text` },
    shape("title", { id: `${id}-title` }, name), shape("desc", { id: `${id}-text` }, description));
  draw(svg, { left, right: width - 8, top: 10, bottom: height - 26, width });
  holder.append(svg);
  if (kinds) section.append(legend(kinds));
  const told = html("details", isOpen ? { open: "" } : {}, html("summary", {}, `${name} as a table`));
  // A long table is made when somebody looks at it.
  const fill = () => told.open && told.children.length < 2 && told.append(scrolling(name, table(head, rows())));
  told.addEventListener("toggle", fill);
  section.append(told);
  fill();
}
