// The charts, each from what is picked and its sums.

const text = (name) => ({ name, isText: true });
const figure = (name) => ({ name });
const spansOf = ({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const NO_JOBS = "No job of these restored or saved in this time.";

function showRates(pick, { all, spans }) {
  const shown = spansOf(pick);
  const kinds = [["exact", "exact"], ["partial", "partial"], ["composed", "composed"], ["miss", "misses"]]; // and columns
  show("rates", {
    height: 240,
    empty: lookups(all) === 0 ? NO_JOBS : null,
    description: `${percent(rate(all))} of ${number(lookups(all))} lookups were hits, in ${shown.length} spans.`,
    kinds: kinds.map(([kind]) => [kind, kind]),
    draw(svg, frame) {
      const y = verticalAxis(svg, frame, [0, 0.25, 0.5, 0.75, 1], (value) => `${value * 100} %`);
      const x = timeAxis(svg, frame, pick);
      const gap = x.width > 6 ? 2 : 0.5;
      for (const span of shown) {
        const sum = spans[span];
        const group = shape("g", {}, titled(`${spanName(span)}: ${percent(rate(sum))} of ${number(lookups(sum))} lookups`));
        let below = 0;
        for (const [kind, column] of kinds) {
          const part = sum[column] / (lookups(sum) || 1);
          if (part > 0) group.append(box(x.at(span) + gap / 2, y(below + part), x.width - gap, y(below) - y(below + part), kind));
          below += part;
        }
        svg.append(group);
      }
    },
    head: [text("span"), figure("lookups"), figure("hit rate"), figure("exact"), figure("partial"), figure("composed"), figure("miss"), figure("bypass")],
    rows: () => shown.map((span) => {
      const sum = spans[span];
      return [spanName(span), number(lookups(sum)), percent(rate(sum)), ...["exact", "partial", "composed", "misses", "bypasses"].map((column) => number(sum[column]))];
    }),
  });
}

function showSaved(pick, { all, spans }) {
  const shown = spansOf(pick);
  const saved = shown.map((span) => spans[span].saved_time);
  const most = Math.max(...saved.map(Math.abs), 1);
  const [unit, size] = most >= 2 * 3600e6 ? ["h", 3600e6] : most >= 120e6 ? ["min", 60e6] : ["s", 1e6];
  show("saved", {
    height: 240,
    empty: all.estimated_jobs === 0 ? "No job of these can be compared with a cold run of its own yet." : null,
    description: `${lasting(all.saved_time)} saved in ${many(all.estimated_jobs, "job")}, in ${shown.length} spans.`,
    draw(svg, frame) {
      const y = verticalAxis(svg, frame, ticks(Math.min(0, ...saved) / size, Math.max(0, ...saved) / size), (value) => `${number(Number(value.toPrecision(3)))} ${unit}`);
      const x = timeAxis(svg, frame, pick);
      const gap = x.width > 6 ? 2 : 0.5;
      shown.forEach((span, index) => {
        const [top, bottom] = [y(Math.max(0, saved[index] / size)), y(Math.min(0, saved[index] / size))];
        const title = `${spanName(span)}: ${lasting(saved[index])} in ${many(spans[span].estimated_jobs, "job")}`;
        if (saved[index] !== 0) svg.append(box(x.at(span) + gap / 2, top, x.width - gap, bottom - top, saved[index] < 0 ? "slower" : "faster", title));
      });
    },
    head: [text("span"), figure("saved"), figure("jobs compared")],
    rows: () => shown.map((span, index) => [spanName(span), lasting(saved[index]), number(spans[span].estimated_jobs)]),
  });
}

function showGrowth(pick, { spans, evictions }) {
  const shown = spansOf(pick);
  const points = sizes(pick).slice(pick.from, pick.to + 2);
  const layers = countedLayers.filter((layer) => points.some((point) => point[layer] > 0));
  const total = (point) => sum(layers.map((layer) => point[layer]));
  const most = Math.max(...points.map(total));
  const mostEvicted = Math.max(...shown.map((span) => spans[span].evictedBytes));
  const evicted = sum([...evictions.values()].map((of) => of.entries));
  const reasons = (span) => {
    const by = new Map();
    for (const { reason, entries } of spans[span].evictions) by.set(reason, (by.get(reason) ?? 0) + entries);
    return [...by].map(([reason, entries]) => `${reason} ${number(entries)}`).join(", ");
  };
  show("growth", {
    height: 300,
    empty: most === 0 && evicted === 0 ? "There are no entries, and none were evicted in this time." : null,
    description: `From ${bytes(total(points[0]))} to ${bytes(total(points[points.length - 1]))}; ${number(evicted)} entries evicted, marked below.`,
    kinds: [...layers.map((layer) => [layer, layer]), ...(evicted > 0 ? [["evicted", "evicted"]] : [])],
    draw(svg, frame) {
      const strip = 40;
      const y = verticalAxis(svg, { ...frame, bottom: frame.bottom - strip }, ticks(0, most || 1, 3), bytes);
      const x = timeAxis(svg, frame, pick);
      const at = (index) => x.at(pick.from + index).toFixed(1);
      let below = points.map(() => 0);
      for (const layer of layers) {
        const above = points.map((point, index) => below[index] + point[layer]);
        const up = above.map((value, index) => `${at(index)},${y(value).toFixed(1)}`);
        const down = below.map((value, index) => `${at(index)},${y(value).toFixed(1)}`).reverse();
        svg.append(shape("polygon", { points: [...up, ...down].join(" "), class: `mark ${layer}` }, titled(`${layer}: ${bytes(points[points.length - 1][layer])} at the end`)));
        below = above;
      }
      for (const span of shown) {
        const { evicted, evictedBytes } = spans[span];
        if (evicted === 0) continue;
        const height = 3 + (evictedBytes / (mostEvicted || 1)) * (strip - 10);
        svg.append(box(x.at(span) + 0.5, frame.bottom - strip + 5, x.width - 1, height, "evicted", `${spanName(span)}: ${number(evicted)} evicted, ${bytes(evictedBytes)} (${reasons(span)})`));
      }
      if (mostEvicted > 0) {
        svg.append(label(frame.left - 6, frame.bottom - strip + 16, "evicted", { "text-anchor": "end" }));
        svg.append(label(frame.left - 6, frame.bottom - strip + 29, `≤ ${bytes(mostEvicted)}`, { "text-anchor": "end" }));
      }
    },
    left: 68,
    head: [text("span"), ...layers.map((layer) => figure(`${layer} at the end`)), figure("evicted"), figure("their size"), text("reasons")],
    rows: () => shown.map((span, index) => [spanName(span), ...layers.map((layer) => bytes(points[index + 1][layer])), number(spans[span].evicted), bytes(spans[span].evictedBytes), reasons(span)]),
  });
}

function showDisk(pick) {
  const groups = data.usage.groups.filter(pick.has);
  const { disk, max_size: limit, min_free: minFree } = data;
  const layers = data.layers.filter((layer) => groups.some((group) => group.layer === layer));
  const of = (list) => Object.fromEntries(layers.map((layer) => [layer, sum(list.filter((group) => group.layer === layer).map((group) => group.own.bytes))]));
  const isAll = groups.length === data.usage.groups.length;
  const shared = isAll ? data.usage.shared.bytes : 0;
  const total = (bars) => sum(Object.values(bars));
  const named = [...new Set(groups.map((group) => group.repository))].map((name) => ({ name, bars: of(groups.filter((group) => group.repository === name)) }));
  named.sort((a, b) => total(b.bars) - total(a.bars));
  const rest = named.splice(8);
  if (rest.length > 0) named.push({ name: `${rest.length} others`, bars: of(groups.filter((group) => rest.some(({ name }) => name === group.repository))) });
  const bars = [{ name: "all entries", bars: { ...of(groups), ...(shared > 0 ? { other: shared } : {}) } }, ...(named.length > 1 ? named : [])];
  const words = { other: "shared by several" };
  const used = data.usage.all.bytes;
  show("disk", {
    height: 46 * (bars.length + (disk ? 1 : 0)) + 40,
    empty: groups.length === 0 ? "There are no entries." : null,
    description: `Entries take ${bytes(total(bars[0].bars))}. ${limit ? `The limit of all is ${bytes(limit)}.` : "There is no limit of size."} ${disk ? `${bytes(disk.free_bytes)} of ${bytes(disk.bytes)} are free on the disk, of which ${bytes(minFree)} are to stay free.` : ""}`,
    kinds: [...layers.map((layer) => [layer, layer]), ...(shared > 0 ? [["other", words.other]] : [])],
    left: 8,
    draw(svg, frame) {
      const all = total(bars[0].bars);
      // A limit that is far away would leave no room for what is there.
      const isNear = isAll && limit && limit <= 5 * all;
      const most = Math.max(all, isNear ? limit : 0) * 1.02;
      const x = (value) => frame.left + (value / (most || 1)) * (frame.right - frame.left);
      let y = 8;
      const row = (name, told) => {
        svg.append(label(frame.left, y + 12, fitted(name, frame.width * 0.55), { class: "name" }));
        svg.append(label(frame.right, y + 12, told, { "text-anchor": "end" }));
        y += 46;
        return y - 28;
      };
      if (disk) {
        const at = row(`disk: cache ${bytes(used)}`, `${bytes(disk.free_bytes)} free of ${bytes(disk.bytes)}`);
        const wide = (value) => (value / disk.bytes) * (frame.right - frame.left);
        const others = Math.max(0, disk.bytes - disk.free_bytes - used);
        svg.append(box(frame.left, at, frame.right - frame.left, 16, "free", `${bytes(disk.free_bytes)} free`));
        svg.append(box(frame.left, at, wide(used + others), 16, "other", `${bytes(others)} of others`));
        svg.append(box(frame.left, at, Math.max(2, wide(used)), 16, "own", `${bytes(used)} of the cache`));
        const most = frame.left + wide(disk.bytes - minFree);
        svg.append(shape("g", {}, titled(`${bytes(minFree)} are to stay free`), line(most, at - 2, most, at + 18, "limit")));
      }
      bars.forEach(({ name, bars: parts }, index) => {
        const at = row(name, index === 0 && limit && isAll ? `${bytes(total(parts))}, limit ${bytes(limit)}` : bytes(total(parts)));
        let from = 0;
        for (const [kind, value] of Object.entries(parts)) {
          if (value > 0) svg.append(box(x(from), at, x(from + value) - x(from), 16, kind, `${name}, ${words[kind] ?? kind}: ${bytes(value)}`));
          from += value;
        }
        if (index === 0 && isNear) svg.append(line(x(limit), at - 2, x(limit), at + 18, "limit"));
      });
      for (const mark of ticks(0, most, frame.width < 420 ? 2 : 4).filter((mark) => mark <= most)) {
        svg.append(label(x(mark), y + 14, bytes(mark), mark === 0 ? {} : { "text-anchor": x(mark) > frame.right - 30 ? "end" : "middle" }));
      }
    },
    head: [text("repository"), ...layers.map((layer) => figure(layer)), ...(shared > 0 ? [figure(words.other)] : []), figure("in all")],
    rows: () => bars.map(({ name, bars: parts }) => [name, ...layers.map((layer) => bytes(parts[layer])), ...(shared > 0 ? [parts.other === undefined ? "" : bytes(parts.other)] : []), bytes(total(parts))]),
  });
}

function showRestores(pick) {
  const shown = data.restores.filter(([span, index]) => pick.takes(span, index));
  const layers = data.layers.filter((layer) => shown.some(([, index]) => data.series[index].layer === layer));
  const all = data.restores.length;
  document.querySelector("#restores .note").textContent = all < data.restores_in_all
    ? `One dot a restore that brought something: ${number(all)} of ${number(data.restores_in_all)}, evenly picked. Both axes are logarithmic.`
    : "One dot a restore that brought something. Both axes are logarithmic.";
  const told = ([span, index, outcome, size, took]) => {
    const { repository, name, layer } = seriesName(data.series[index]);
    return [spanName(span), repository, name, layer, outcome, bytes(size), lasting(took)];
  };
  show("restores", {
    height: 300,
    empty: shown.length === 0 ? "No restore of these brought anything in this time." : null,
    description: `${number(shown.length)} restores by their size and the time that they took.`,
    kinds: layers.map((layer) => [layer, layer]),
    draw(svg, frame) {
      const decades = (values) => {
        const [low, high] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
        return Array.from({ length: Math.max(high, low + 1) - low + 1 }, (_, index) => low + index);
      };
      const y = verticalAxis(svg, frame, decades(shown.map((row) => Math.max(row[4], 100))), (power) => lasting(10 ** power));
      const marks = decades(shown.map((row) => row[3]));
      const x = (power) => frame.left + ((power - marks[0]) / (marks[marks.length - 1] - marks[0])) * (frame.right - frame.left - 12);
      const step = Math.ceil((marks.length * 50) / (frame.right - frame.left));
      for (const mark of marks.filter((_, index) => index % step === 0)) svg.append(label(x(mark), frame.bottom + 18, bytes(10 ** mark), { "text-anchor": "middle" }));
      for (const row of shown) {
        const at = { cx: x(Math.log10(row[3])).toFixed(1), cy: y(Math.log10(Math.max(row[4], 100))).toFixed(1), r: 3.5 };
        svg.append(shape("circle", { ...at, class: `mark ${data.series[row[1]].layer}` }, titled(told(row).join(", "))));
      }
    },
    head: [text("span"), text("repository"), text("job"), text("layer"), text("outcome"), figure("size"), figure("time")],
    rows: () => [...shown].sort((a, b) => b[4] - a[4]).slice(0, 200).map(told),
  });
}

/// Squares up `items` in a rectangle by their bytes: rows of which each is as square as it can be (Bruls, Huizing, van Wijk).
function squared(items, { x, y, width, height }) {
  const placed = [];
  let scale = (width * height) / (sum(items.map((item) => item.bytes)) || 1);
  let rest = [...items].sort((a, b) => b.bytes - a.bytes);
  const worst = (row, side) => {
    const area = sum(row.map((item) => item.bytes)) * scale;
    return Math.max(...row.map((item) => Math.max((side * side * item.bytes * scale) / (area * area), (area * area) / (side * side * item.bytes * scale))));
  };
  while (rest.length > 0) {
    const side = Math.min(width, height);
    let count = 1;
    while (count < rest.length && worst(rest.slice(0, count + 1), side) <= worst(rest.slice(0, count), side)) count += 1;
    const row = rest.slice(0, count);
    const across = (sum(row.map((item) => item.bytes)) * scale) / (side || 1);
    let along = 0;
    for (const item of row) {
      const length = (item.bytes * scale) / (across || 1);
      placed.push(width < height ? { item, x: x + along, y, width: length, height: across } : { item, x, y: y + along, width: across, height: length });
      along += length;
    }
    if (width < height) [y, height] = [y + across, height - across];
    else [x, width] = [x + across, width - across];
    rest = rest.slice(count);
  }
  return placed;
}

function showEntries(pick) {
  const shown = data.entries.filter((entry) => pick.has(entry) && entry.bytes > 0);
  const layers = data.layers.filter((layer) => shown.some((entry) => entry.layer === layer));
  const groups = [...new Set(shown.map((entry) => entry.repository))].map((name) => {
    const entries = shown.filter((entry) => entry.repository === name);
    return { name, entries, bytes: sum(entries.map((entry) => entry.bytes)) };
  });
  const whose = (entry) => (entry.one ? `${entry.one.ref.replace(/^refs\//, "")}, ${entry.one.lane}` : many(entry.entries, entry.layer === "units" ? "unit" : "small one"));
  show("entries", {
    height: 348,
    left: 0,
    empty: shown.length === 0 ? "There are no entries." : null,
    description: `${number(sum(shown.map((entry) => entry.entries)))} entries of ${bytes(sum(shown.map((entry) => entry.bytes)))} in ${number(groups.length)} repositories.`,
    kinds: layers.map((layer) => [layer, layer]),
    draw(svg, frame) {
      const room = { x: 0, y: 0, width: frame.width, height: 348 };
      for (const { item: group, ...place } of squared(groups, room)) {
        const head = place.height > 60 && place.width > 60 ? 18 : 0;
        if (head) svg.append(label(place.x + 4, place.y + 13, fitted(group.name, place.width - 8), { class: "name" }));
        for (const { item, ...cell } of squared(group.entries, { ...place, y: place.y + head, height: place.height - head })) {
          const title = `${item.repository}, ${item.layer}: ${bytes(item.bytes)}; ${whose(item)}; last used ${moment(Date.parse(item.last_used))}`;
          svg.append(box(cell.x, cell.y, cell.width, cell.height, `cell ${item.layer}`, title));
          if (cell.width > 54 && cell.height > 20) svg.append(label(cell.x + 5, cell.y + 15, bytes(item.bytes), { class: "inside", "pointer-events": "none" }));
          if (cell.width > 80 && cell.height > 36) svg.append(label(cell.x + 5, cell.y + 29, fitted(whose(item), cell.width - 10), { class: "inside", "pointer-events": "none" }));
        }
      }
    },
    head: [text("repository"), text("layer"), text("ref and lane"), figure("size"), figure("last used")],
    rows: () => shown.map((entry) => [entry.repository, entry.layer, whose(entry), bytes(entry.bytes), moment(Date.parse(entry.last_used))]),
  });
}
