// What the program wrote, what of it the reader picked, and how figures are put into words.

const data = JSON.parse(document.getElementById("data").textContent);
const OTHERS = "\u0000others"; // no repository has such a name

/// The repositories that can be picked: others are told together.
const repositories = (() => {
  const told = new Set(data.series.map((series) => series.repository));
  if (!told.delete(null)) for (const group of data.usage.groups) told.add(group.repository);
  return [...told];
})();
const hasOthers = data.series.some((series) => series.repository === null);

/// What the filters say, as tests of what is counted.
function picked() {
  const value = (id) => document.getElementById(id).value;
  const [repository, layer, from, to] = [value("repository"), value("layer"), Number(value("from")), Number(value("to"))];
  const isOther = (name) => name === null || !repositories.includes(name);
  const has = (of) =>
    (repository === "" || (repository === OTHERS ? isOther(of.repository) : of.repository === repository)) &&
    (layer === "" || of.layer === layer);
  const series = data.series.map(has);
  return { repository, layer, from, to, has, takes: (span, index) => span >= from && span <= to && series[index] };
}

/// The sums of rows, each an object with a figure a column.
function nothing() {
  return Object.fromEntries(data.columns.map((column) => [column, 0]));
}

function add(sum, row) {
  data.columns.forEach((column, index) => (sum[column] += row[2][index]));
}

const hits = (sum) => sum.exact + sum.partial + sum.composed;
const lookups = (sum) => hits(sum) + sum.misses;
const rate = (sum) => (lookups(sum) > 0 ? hits(sum) / lookups(sum) : null);

/// All that is picked, added up: as a whole, by span, and by series.
function addUp(pick) {
  const all = nothing();
  const spans = data.spans.map(() => ({ ...nothing(), evictions: [], evicted: 0, evictedBytes: 0 }));
  const series = new Map();
  for (const row of data.rows) {
    const [span, index] = row;
    if (!pick.takes(span, index)) continue;
    if (!series.has(index)) series.set(index, nothing());
    for (const sum of [all, spans[span], series.get(index)]) add(sum, row);
  }
  const evictions = new Map();
  for (const [span, index, reason, entries, bytes] of data.evictions) {
    if (!pick.takes(span, index)) continue;
    spans[span].evictions.push({ series: data.series[index], reason, entries, bytes });
    spans[span].evicted += entries;
    spans[span].evictedBytes += bytes;
    const sum = evictions.get(reason) ?? { entries: 0, bytes: 0 };
    evictions.set(reason, { entries: sum.entries + entries, bytes: sum.bytes + bytes });
  }
  return { all, spans, series, evictions };
}

/// What jobs add to the pool is no event, so its size cannot be counted back.
const countedLayers = data.layers.filter((layer) => layer !== "units");

/// Bytes of entries by layer as recorded, at the begin of each span and at the end of the last one: those of now, and back
/// from there without what was saved and with what was evicted meanwhile.
function sizes(pick) {
  const now = Object.fromEntries(countedLayers.map((layer) => [layer, 0]));
  for (const group of data.usage.groups.filter(pick.has)) if (group.layer in now) now[group.layer] += group.recorded;
  const change = data.spans.map(() => ({}));
  const count = (span, index, bytes) => {
    const series = data.series[index];
    if (pick.has(series) && series.layer in now) change[span][series.layer] = (change[span][series.layer] ?? 0) + bytes;
  };
  const column = data.columns.indexOf("saved_bytes");
  for (const [span, index, row] of data.rows) count(span, index, row[column]);
  for (const [span, index, , , bytes] of data.evictions) count(span, index, -bytes);
  const points = [{ ...now }];
  for (const of of change.reverse()) {
    for (const [layer, bytes] of Object.entries(of)) now[layer] = Math.max(0, now[layer] - bytes);
    points.unshift({ ...now });
  }
  return points;
}

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
const many = (count, one) => `${number(count)} ${one}${count === 1 ? "" : one.endsWith("y") ? "" : "s"}`;

function number(value) {
  return value.toLocaleString("en");
}

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}

/// Units of a duration: how many seconds it has, from how many on it is used, and what the rest is told in.
const DURATIONS = [["d", 86400, 172800, "h", 3600], ["h", 3600, 3600, "min", 60], ["min", 60, 60, "s", 1]];

function lasting(micros) {
  const [sign, seconds] = [micros < 0 ? "−" : "", Math.abs(micros) / 1e6];
  for (const [unit, size, from, lower, step] of DURATIONS) {
    if (seconds < from) continue;
    const rest = Math.floor((seconds % size) / step);
    return `${sign}${Math.floor(seconds / size)} ${unit}${rest > 0 ? ` ${rest} ${lower}` : ""}`;
  }
  const [value, unit] = seconds >= 0.1 || seconds === 0 ? [seconds, "s"] : [seconds * 1000, "ms"];
  return `${sign}${Number(value.toPrecision(2))} ${unit}`;
}

function percent(value) {
  if (value === null) return "–";
  // 99.6 % is not all.
  return `${value < 1 ? Math.min(99, Math.round(value * 100)) : 100} %`;
}

const isOfDays = data.spans.length < 2 || data.spans[1] - data.spans[0] >= 24 * 3600e3;
const written = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const ofDay = written({ day: "numeric", month: "short" });
// A day and a month name two days where the window is about a year.
const year = data.until - data.since > 300 * 24 * 3600e3 ? { year: "numeric" } : {};
const ofHour = written({ day: "numeric", month: "short", ...year, hour: "2-digit", minute: "2-digit" });
const ofMinute = written({ dateStyle: "medium", timeStyle: "short" });
const moment = (time) => `${ofMinute.format(time)} UTC`;
const shortMoment = (time) => (isOfDays ? ofDay : ofHour).format(time);
const spanEnd = (span) => data.spans[span + 1] ?? data.until;
const spanName = (span) => `${ofHour.format(data.spans[span])} to ${ofHour.format(spanEnd(span))}`;

function seriesName({ repository, layer, family }) {
  const job = family ? family.job ?? "local" : "other jobs";
  // The default lane tells workflow, job and matrix.
  const name = family && family.lane.split(" ").includes(job) ? family.lane : job;
  return { repository: repository ?? "other repositories", name, layer };
}
