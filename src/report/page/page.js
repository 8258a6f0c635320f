// The page as a whole: filters, figures, the table of families, and when all of it is drawn.

const FEW = 12; // rows of the table until all are wanted
const byId = (id) => document.getElementById(id);
const order = { column: 5, isUp: false, isWhole: false };

function option(value, name) {
  return html("option", { value }, name);
}

function setUp() {
  byId("window").textContent = `${moment(data.since)} to ${moment(data.until)}`;
  byId("made").textContent = `Made by runner-cache ${data.version}. Nothing here is loaded from anywhere or sent anywhere.`;
  byId("repository").append(option("", "all"), ...repositories.map((name) => option(name, name)), ...(hasOthers ? [option(OTHERS, "others")] : []));
  byId("layer").append(option("", "all"), ...data.layers.map((layer) => option(layer, layer)));
  byId("from").append(...data.spans.map((start, span) => option(span, ofHour.format(start))));
  byId("to").append(...data.spans.map((_, span) => option(span, ofHour.format(spanEnd(span)))).reverse());
  byId("filters").addEventListener("change", ({ target }) => {
    // A span does not end before it begins.
    const [from, to] = [byId("from"), byId("to")];
    if (Number(from.value) > Number(to.value)) (target === from ? to : from).value = target.value;
    draw();
  });
  byId("filters").addEventListener("reset", () => setTimeout(draw));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  let width = document.body.clientWidth;
  new ResizeObserver(() => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    draw();
  }).observe(document.body);
}

/// The figures of the head, each with its value as the ledger has it.
function showFigures(pick, { all, spans, evictions }) {
  const evicted = [...evictions.values()];
  const ofHost = data.of_host.filter(([span]) => span >= pick.from && span <= pick.to);
  const groups = data.usage.groups.filter(pick.has);
  const recorded = sum(groups.map((group) => group.recorded));
  const count = (name) => `${name} ${number(all[name])}`;
  const figures = [
    ["hit-rate", "hit rate", rate(all) ?? "", percent(rate(all)),
      `${number(hits(all))} of ${number(lookups(all))} lookups: ${[count("exact"), count("partial"), count("composed")].join(", ")}; bypass ${number(all.bypasses)}`],
    ["time-saved", "time saved", all.saved_time / 1e6, all.estimated_jobs > 0 ? lasting(all.saved_time) : "–",
      `in ${many(all.estimated_jobs, "job")}, against their own cold runs`],
    ["restored", "restored", all.restored_bytes, bytes(all.restored_bytes), `${many(all.restored_files, "file")} in ${lasting(all.restore_time)}`],
    ["new-entries", "saved", all.saved_bytes, bytes(all.saved_bytes),
      `${number(all.entries)} entries in ${lasting(all.save_time)}${all.failed_saves > 0 ? `; ${number(all.failed_saves)} failed` : ""}`],
    ["evicted", "evicted", sum(evicted.map((of) => of.entries)), number(sum(evicted.map((of) => of.entries))),
      `${bytes(sum(evicted.map((of) => of.bytes)))}${[...evictions].map(([reason, of]) => `; ${reason} ${number(of.entries)}`).join("")}`],
    ["stored", "there now", recorded, bytes(recorded), `recorded in ${number(sum(groups.map((group) => group.entries)))} entries and units`],
  ];
  byId("figures").replaceChildren(...figures.map(([id, name, value, shown, more]) =>
    html("div", {}, html("dt", {}, name), html("dd", {}, html("data", { id, value }, shown), more))));
  const [damaged, freed, short] = [1, 2, 3].map((index) => sum(ofHost.map((row) => row[index])));
  const trouble = [
    damaged > 0 ? `damaged and taken out of use: ${number(damaged)}` : null,
    freed + short > 0 ? `disks too full: ${number(freed + short)}, of which too little could be evicted: ${number(short)}` : null,
  ].filter((told) => told !== null);
  const of = pick.repository === "" ? "all repositories" : pick.repository === OTHERS ? "other repositories" : pick.repository;
  byId("shown").textContent = [`${of}, ${pick.layer || "all layers"}, ${moment(data.spans[pick.from])} to ${moment(spanEnd(pick.to))}`, ...trouble].join("; ");
}

function showFamilies({ series }) {
  const section = byId("families");
  const hadFocus = section.contains(document.activeElement) ? document.activeElement.id : null;
  section.querySelectorAll(":scope > :not(h2, .note)").forEach((old) => old.remove());
  const mean = (time, count) => (count > 0 ? time / count : null);
  const rows = [...series].map(([index, of]) => {
    const { repository, name, layer } = seriesName(data.series[index]);
    return [repository, name, layer, lookups(of), rate(of), mean(of.restore_time, hits(of)), of.restored_bytes, mean(of.save_time, of.entries), of.estimated_jobs > 0 ? of.saved_time : null];
  });
  if (rows.length === 0) {
    section.append(html("p", { class: "empty" }, NO_JOBS));
    return;
  }
  const head = [text("repository"), text("job"), text("layer"), figure("lookups"), figure("hit rate"), figure("restore"), figure("restored"), figure("save"), figure("time saved")];
  const time = (value) => (value === null ? "–" : lasting(value));
  const worded = [null, null, null, number, percent, time, bytes, time, time];
  const { column, isUp } = order;
  // What is not known is last, whatever the order.
  rows.sort((a, b) => {
    if (a[column] === null || b[column] === null) return (a[column] === null) - (b[column] === null);
    const ascending = head[column].isText ? a[column].localeCompare(b[column]) : a[column] - b[column];
    return isUp ? ascending : -ascending;
  });
  const shown = order.isWhole ? rows : rows.slice(0, FEW);
  const made = table(head, shown.map((row) => row.map((cell, index) => (worded[index] ? worded[index](cell) : cell))));
  made.querySelectorAll("thead th").forEach((cell, index) => {
    const button = html("button", { type: "button", id: `by-${index}` }, head[index].name);
    button.addEventListener("click", () => {
      Object.assign(order, { column: index, isUp: order.column === index ? !order.isUp : Boolean(head[index].isText) });
      draw();
    });
    cell.replaceChildren(button);
    if (index === column) cell.setAttribute("aria-sort", isUp ? "ascending" : "descending");
  });
  section.append(scrolling("Slowest families", made));
  if (rows.length > FEW) {
    const button = html("button", { type: "button", id: "whole" }, order.isWhole ? `Show ${FEW}` : `Show all ${number(rows.length)}`);
    button.addEventListener("click", () => {
      order.isWhole = !order.isWhole;
      draw();
    });
    section.append(button);
  }
  // Whoever pressed a button that was made anew is still there.
  if (hadFocus) byId(hadFocus)?.focus();
}

function draw() {
  document.documentElement.dataset.theme = byId("theme").value;
  const pick = picked();
  const sums = addUp(pick);
  showFigures(pick, sums);
  showRates(pick, sums);
  showSaved(pick, sums);
  showGrowth(pick, sums);
  showDisk(pick);
  showRestores(pick);
  showEntries(pick);
  showFamilies(sums);
}

setUp();
draw();
