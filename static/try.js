// Trying other answers: figure, ledger and charts follow the form at once, from the scorecard in the page and without
// a request. What only the server knows stays, and says for which answers it holds.
import { drawn, explain, kindOf, whatIf } from "./scorecard.js";
import { drawCharts } from "./charts.js";
import { drawPairs } from "./pairs.js";
import { figure, percent, scaleOf, round, signed } from "./numbers.js";
import { asSent } from "./sent.js";
import "./steps.js";

const source = document.getElementById("the-scorecard");
const card = source && JSON.parse(source.textContent);
const form = document.querySelector("form[data-try]");
const kind = card && kindOf(card);
const term = kind === "binary" ? "log_odds" : "points";
// by attributes and from outside: a field may be called dataset or reset, and would stand in the place of the form's own
const told = (name) => form.getAttribute(`data-${name}`);
const reset = () => HTMLFormElement.prototype.reset.call(form);
const firstAddress = location.href;
const all = (selector) => [...document.querySelectorAll(selector)];
// not form.elements: a field may be called length; and of this form alone: others carry the record along, unseen
const controls = (name) => [...form.querySelectorAll(`[name="${CSS.escape(name)}"]`)];
const isCategorical = (feature) => feature.points.every((point) => typeof point.value === "string");

// ---- reading the form

const NUMBER = /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?$/;

// The value that a text means to a feature, or what is wrong with it.
function read(feature, text) {
  const { points, interpolated } = feature;
  if (isCategorical(feature)) return { value: text };
  const [input] = controls(feature.feature);
  const plain = input.dataset.decimal ? text.trim().replace(input.dataset.decimal, ".") : text.trim();
  const hasGap = points.some((point) => point.value === "?");
  if (hasGap && (plain === "?" || plain === "")) return { value: "?" };
  const { rule, low, high } = input.dataset;
  if (plain === "") return { wrong: told("none").replace("{rule}", rule) };
  const value = Number(plain);
  if (NUMBER.test(plain) && (interpolated || Number.isInteger(value))) {
    if (isHeld(feature, value)) return { value };
    if (low !== undefined && (value < low || value > high))
      return { wrong: told("between").replace("{value}", plain).replace("{low}", low).replace("{high}", high) };
  }
  return { wrong: told("not").replace("{value}", plain.slice(0, 30)).replace("{rule}", rule) };
}

// Whether a feature may have a number: one of its points, one between its knots, or past an end that no rule sets.
function isHeld(feature, value) {
  const known = drawn(feature);
  if (value < known[0].value) return Boolean(feature.before);
  if (value > known.at(-1).value) return Boolean(feature.after);
  return feature.interpolated || known.some((point) => point.value === value);
}

// The record in the form; null, while a value breaks a rule, which is said beside its field.
function typed() {
  const record = {};
  const given = new FormData(form);
  let isWhole = true;
  for (const feature of card.features) {
    const { value, wrong } = read(feature, given.get(feature.feature) ?? "");
    mark(controls(feature.feature)[0], feature.feature, wrong);
    record[feature.feature] = value;
    isWhole &&= !wrong;
  }
  return isWhole ? record : null;
}

function mark(control, name, wrong) {
  const field = control.closest(".field");
  if (!field) return; // values to pick from cannot be wrong
  let line = document.getElementById(`${name}-error`);
  if (!wrong && !line) return;
  if (!line) {
    line = document.createElement("p");
    line.id = `${name}-error`;
    line.className = "error";
    line.setAttribute("role", "alert");
    field.append(line);
    control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") ?? ""} ${line.id}`.trim());
  }
  const text = wrong ? `${wrong} ${told("still").replace("{value}", valued(features[name], last[name]))}` : "";
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !wrong;
  field.classList.toggle("wrong", Boolean(wrong));
  if (wrong) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

// ---- writing

const features = card ? Object.fromEntries(card.features.map((feature) => [feature.feature, feature])) : {};

function valued({ points, unit }, value) {
  const title = points.find((point) => point.value === value)?.title ?? String(value);
  return unit && typeof value === "number" ? `${value} ${unit}` : title;
}

// What a term stands for: the value of its field, or both of its pair, each with its field's name where it says little.
function said({ feature, features: names, value }) {
  if (!names) return valued(features[feature], value);
  const texts = names.map((name, side) => {
    const text = valued(features[name], value[side]);
    const isVague = typeof value[side] === "number" ? !features[name].unit : vague.get(name)?.includes(value[side]);
    const title = side ? inSentence(features[name].title) : features[name].title;
    return isVague ? filled("of", { field: title, value: text }) : text;
  });
  return filled("both", { first: texts[0], second: texts[1] });
}

const vague = new Map(Object.entries(JSON.parse(form?.getAttribute("data-vague") ?? "{}")));
const filled = (name, parts) => told(name).replace(/{(\w+)}/g, (_, part) => parts[part]);
const inSentence = (title) => (/^.\p{Ll}/u.test(title) ? title[0].toLowerCase() + title.slice(1) : title);

// pairs, because an object of script would put labels such as 10 and 9 in an order of its own
const titled = JSON.parse(form?.getAttribute("data-titles") ?? "[]");
const titles = Object.fromEntries(titled);
const labelsInOrder = titled.map(([label]) => label);
const digits = () => Number(document.querySelector("[data-figure][data-digits]")?.dataset.digits ?? 2);

function main(answer) {
  if (kind === "binary") return percent(answer.probability);
  return kind === "number" ? figure(answer.prediction, digits()) : titles[answer.label];
}

function difference(answer) {
  const was = kind === "classes" ? `${main(sent)}, ${percent(sent.probability)}` : main(sent);
  const before = told("was").replace("{value}", was);
  if (kind === "classes") return before;
  const apart = kind === "binary" ? 100 * (answer.probability - sent.probability) : answer.prediction - sent.prediction;
  return `${signed(apart, kind === "binary" ? 1 : digits())}, ${before}`;
}

function drawFigure(answer) {
  for (const each of all("[data-figure]")) {
    each.textContent = main(answer);
    each.classList.toggle("long", kind === "number" && each.textContent.length > 8);
  }
  for (const each of all("[data-share]")) each.textContent = percent(answer.probability);
  const box = document.querySelector(".scale-box");
  if (box) {
    const [low, high] = [Number(box.dataset.low), Number(box.dataset.high)];
    const number = kind === "binary" ? answer.probability : answer.prediction;
    const at = Math.min(Math.max((100 * (number - low)) / (high - low), 0), 100);
    box.querySelector(".mark").setAttribute("cx", `${at}%`);
  }
  if (kind !== "classes") return;
  const likely = Object.entries(answer.probabilities).sort((a, b) => b[1] - a[1]);
  all("[data-rank]").forEach((row, place) => {
    row.querySelector("th").textContent = titles[likely[place][0]];
    row.querySelector(".number").textContent = percent(likely[place][1]);
    row.querySelector("rect").setAttribute("width", `${100 * likely[place][1]}%`);
  });
}

// ---- the ledger

const weight = (points) =>
  typeof points === "number" ? Math.abs(points) : Math.max(...Object.values(points)) - Math.min(...Object.values(points));
const total = (numbers) => numbers.reduce((a, b) => a + b, 0);
let inFormOrder = false;

function drawBar(row, kindOfBar, zero, from, to) {
  const [line, rect] = [row.querySelector("line"), row.querySelector("rect")];
  if (!rect) return;
  line.setAttribute("x1", `${zero}%`);
  line.setAttribute("x2", `${zero}%`);
  rect.setAttribute("x", `${Math.min(from, to)}%`);
  rect.setAttribute("width", `${Math.max(round(Math.abs(to - from)), 0.4)}%`);
  rect.setAttribute("class", kindOfBar);
}

function drawLedger(answer) {
  const table = document.querySelector(".sum");
  if (!table) return;
  const places = Number(table.dataset.digits);
  const rows = Object.fromEntries(all(".sum [data-term]").map((row) => [row.dataset.term, row]));
  const hasPairs = answer.contributions.some((each) => each.features);
  const limit = document.body.classList.contains("board") ? 8 : hasPairs ? 10 : 12;
  const most = answer.contributions.length > limit ? 8 : limit;
  const ranked = [...answer.contributions].sort((a, b) => weight(b[term]) - weight(a[term]));
  const ordered = inFormOrder ? answer.contributions : ranked;
  const isFurther = (name) => ranked.findIndex((each) => each.feature === name) >= most;
  ordered.forEach((each) => {
    const row = rows[each.feature];
    row.querySelector(".value").textContent = said(each);
    row.classList.toggle("further", isFurther(each.feature));
    table.tBodies[0].append(row);
  });
  const rest = table.querySelector("[data-rest]");
  if (rest) table.tBodies[0].append(rest);
  const left = ranked.slice(most).map((each) => each[term]);
  for (const chip of all("[data-chip]")) {
    const { chip: name } = chip.dataset;
    const found = answer.contributions.find((each) => each.feature === name);
    if (!found) continue; // a field that this version does not use
    chip.lastChild.textContent = ` ${said(found)}`;
    chip.classList.toggle("further", card.features.length > 12 && isFurther(name));
  }
  if (kind === "classes") drawSums(table, rows, answer, places, left);
  else drawSteps(table, rows, ordered, answer, places, left);
}

// The points of every field beside it, as on the scorecard, and what they add up to.
function drawPoints(answer) {
  const places = kind === "number" ? digits() : 2;
  for (const each of answer.contributions)
    for (const place of all(`[data-points="${CSS.escape(each.feature)}"]`))
      place.textContent =
        kind === "classes"
          ? labelsInOrder.map((label) => signed(each[term][label], places)).join(" / ")
          : signed(each[term], places);
  for (const each of answer.contributions.filter(({ features }) => features))
    for (const place of all(`[data-both="${CSS.escape(each.feature)}"]`)) place.textContent = said(each);
  drawPairs(card, last, answer);
  const sum = answer.log_odds ?? answer.prediction;
  for (const each of all("[data-added]")) each.textContent = signed(sum - answer.intercept, places);
  for (const each of all("[data-sum]")) each.textContent = signed(sum, places);
}

function drawSteps(table, rows, ordered, answer, places, left) {
  const sums = [answer.intercept];
  for (const each of ordered) sums.push(sums.at(-1) + each[term]);
  const at = scaleOf([0, ...sums]);
  const zero = at(0);
  drawBar(table.querySelector("[data-start]"), "start", zero, zero, at(answer.intercept));
  ordered.forEach((each, place) => {
    const row = rows[each.feature];
    row.querySelector(".number").textContent = signed(each[term], places);
    drawBar(row, sums[place + 1] >= sums[place] ? "up" : "down", zero, at(sums[place]), at(sums[place + 1]));
  });
  const rest = table.querySelector("[data-rest]");
  if (rest) {
    const others = total(left);
    rest.querySelector(".number").textContent = signed(others, places);
    drawBar(rest, others >= 0 ? "up" : "down", zero, at(sums.at(-1) - others), at(sums.at(-1)));
  }
  const whole = table.querySelector("[data-total]");
  const sum = answer.log_odds ?? answer.prediction;
  (whole.querySelector(".number strong") ?? whole.querySelector(".number")).textContent = signed(sum, places);
  drawBar(whole, "total", zero, zero, at(sums.at(-1)));
  const result = table.querySelector("[data-result]");
  if (!result) return;
  result.querySelector("sup").textContent = signed(-sum, places);
  result.querySelector("strong").textContent = percent(answer.probability);
  const circle = result.querySelector("circle");
  circle.setAttribute("cx", round(60 + 9 * Math.min(Math.max(sum, -6), 6)));
  circle.setAttribute("cy", round(56 - 52 * answer.probability));
}

function drawSums(table, rows, answer, places, left) {
  const heads = [...table.querySelectorAll("[data-label]")];
  const likely = Object.keys(answer.probabilities)
    .sort((a, b) => answer.probabilities[b] - answer.probabilities[a])
    .slice(0, heads.length);
  const labels = labelsInOrder.filter((label) => likely.includes(label));
  heads.forEach((head, place) => (head.textContent = titles[labels[place]]));
  const write = (row, text) =>
    [...row.querySelectorAll(".number")].forEach(
      (cell, place) => ((cell.querySelector("strong") ?? cell).textContent = text(labels[place])),
    );
  write(table.querySelector("[data-start]"), (label) => signed(answer.intercept[label], places));
  for (const each of answer.contributions) write(rows[each.feature], (label) => signed(each[term][label], places));
  const rest = table.querySelector("[data-rest]");
  if (rest) write(rest, (label) => signed(total(left.map((points) => points[label])), places));
  write(table.querySelector("[data-total]"), (label) => signed(answer.sums[label], places));
  write(table.querySelector("[data-result]"), (label) => percent(answer.probabilities[label]));
}

// ---- following the form

let sent; // the answer that the server gave
let last; // the record of the figure in the page
let waiting;

function follow() {
  const record = typed();
  document.getElementById("answer")?.classList.toggle("stale", !record);
  if (!record) return;
  last = record;
  const answer = explain(card, record);
  drawFigure(answer);
  drawLedger(answer);
  drawPoints(answer);
  drawCharts(card, record, whatIf(card, record), answer, digits(), labelsInOrder);
  warn(record);
  lead(record);
  const isTried = card.features.some(({ feature }) => sent.record[feature] !== record[feature]);
  for (const each of all("[data-difference]")) each.textContent = isTried ? difference(answer) : "";
  for (const each of all("[data-undo], [data-as-sent]")) each.hidden = !isTried;
  for (const each of all("[data-asked]")) each.classList.toggle("dimmed", isTried);
  document.dispatchEvent(new CustomEvent("answered", { detail: { record, answer } }));
  clearTimeout(waiting);
  waiting = setTimeout(() => keepAddress(isTried ? addressOf() : firstAddress), 150);
}

function keepAddress(address) {
  if (!location.protocol.startsWith("http")) return; // a browser may not let a saved file change its own
  if (new URL(address, location).href !== location.href) history.replaceState(null, "", address);
}

// The address of the record in the form, the page's version, view and language kept.
function addressOf() {
  const query = new URLSearchParams(new FormData(form));
  const language = new URLSearchParams(location.search).get("lang");
  if (language) query.set("lang", language);
  return `${location.pathname}?${query}${location.hash}`;
}

// Links and buttons that take the record along take the tried one.
function lead(record) {
  for (const link of all("a[data-record]")) {
    const address = new URL(link.href);
    for (const [name, value] of Object.entries(record))
      if (address.searchParams.has(name)) address.searchParams.set(name, value);
    const row = link.closest("[data-term]");
    if (row) {
      const { term: name } = row.dataset;
      const feature = features[name]; // none of a pair
      const place = feature?.points.findIndex((point) => point.value === record[name]);
      address.hash = feature && isCategorical(feature) ? `${name}.${place}` : `${name}-title`;
    }
    link.href = address.href;
  }
  for (const link of all("a[data-next]")) {
    const address = new URL(link.href);
    address.searchParams.set("next", addressOf());
    link.href = address.href;
  }
  for (const hidden of all("form[data-record] input[type=hidden]"))
    if (hidden.name in record) hidden.value = record[hidden.name];
  for (const ways of all("form[data-live][data-record]"))
    if (document.getElementById(ways.getAttribute("data-live")).childElementCount)
      ways.dispatchEvent(new Event("input")); // what was found holds for the record before
}

// What is outside of what was seen is said beside its name.
function warn(record) {
  for (const note of all("[data-outside]")) {
    const value = record[note.dataset.outside];
    note.hidden = typeof value !== "number" || (value >= note.dataset.low && value <= note.dataset.high);
  }
}

// The address wins: after Back or a restart, the form says what the address says.
function followAddress() {
  const given = new URLSearchParams(location.search);
  reset();
  if (location.href !== firstAddress)
    for (const { feature } of card.features) if (given.has(feature)) choose(feature, given.get(feature));
  follow();
}

// Whether a browser may have filled the form by itself; of a new page, what is in the form was typed before this script.
function isRestored(event) {
  const how = performance.getEntriesByType("navigation")[0]?.type;
  return event.persisted || how === "back_forward" || how === "reload";
}

function choose(name, value) {
  for (const control of controls(name))
    if (control.type === "radio") control.checked = control.value === value;
    else control.value = value;
}

function readAsSent() {
  const given = asSent(form);
  return Object.fromEntries(
    card.features.map((feature) => [feature.feature, read(feature, given.get(feature.feature) ?? "").value]),
  );
}

if (form && card) {
  last = readAsSent();
  sent = { record: last, ...explain(card, last) };
  form.addEventListener("input", follow);
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    keepAddress(firstAddress); // Back leads to what was sent
  });
  addEventListener("pageshow", (event) => (isRestored(event) ? followAddress() : follow()));
  for (const button of all("[data-undo]"))
    button.addEventListener("click", () => {
      reset();
      follow();
      controls(card.features[0].feature)[0].focus({ preventScroll: true });
    });
  const bar = document.querySelector("[data-bar]");
  const shown = document.querySelector("#answer [data-figure]");
  if (bar && shown) new IntersectionObserver(([{ isIntersecting }]) => (bar.hidden = isIntersecting)).observe(shown);
}

// ---- the ledger's order

for (const each of all("[data-script]")) each.hidden = false;
const order = document.querySelector("[data-order]");
if (!card) order?.remove();
order?.addEventListener("click", () => {
  inFormOrder = !inFormOrder;
  order.setAttribute("aria-pressed", inFormOrder);
  follow();
});
