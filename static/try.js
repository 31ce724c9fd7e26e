// Trying other answers in the form beside a result: probability, ledger and curves follow at once, from the
// scorecard in the page and without a request. What only the server knows is put away until it is asked.
import { drawn, explain, whatIf } from "./scorecard.js";

const card = JSON.parse(document.getElementById("the-scorecard").textContent);
const form = document.querySelector("form[data-try]");
const features = Object.fromEntries(card.features.map((feature) => [feature.feature, feature]));
const isCategorical = (feature) => typeof feature.points[0].value === "string";

// How numbers are written and placed, as charts.py does it.
const signed = (number) => (number < 0 ? "\u2212" : "+") + Math.abs(number).toFixed(4);
const digits = (share) => (share === 0 || share === 1 ? 0 : share >= 0.01 && share <= 0.99 ? 1 : 2);
const percent = (share) => `${(100 * share).toFixed(digits(share))}%`;
const round = (number) => Math.round(1000 * number) / 1000;

function scaleOver(numbers) {
  const [low, high] = [Math.min(0, ...numbers), Math.max(0, ...numbers)];
  const room = 0.03 * (high - low || 1);
  return (number) => round((100 * (number - low + room)) / (high - low + 2 * room));
}

// The record in the form, or null while what is typed is no value of its field.
function typed() {
  const record = {};
  const given = new FormData(form); // not form.elements: a field may be called length, or elements
  for (const feature of card.features) {
    const { points, interpolated } = feature;
    const text = given.get(feature.feature);
    const plain = interpolated ? /^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$/ : /^-?[0-9]+$/;
    const isText = isCategorical(feature) || points.some((point) => point.value === text);
    if (!isText && !plain.test(text)) return null;
    const value = isText ? text : Number(text);
    const known = points.some((point) => point.value === value);
    if (!known && (isText || !isHeld(feature, value))) return null;
    record[feature.feature] = value;
  }
  return record;
}

// Whether a feature may have a number that is none of its points: between knots, or past an end that no rule sets.
function isHeld(feature, value) {
  const known = drawn(feature);
  if (value < known[0].value) return Boolean(feature.before);
  return value > known.at(-1).value ? Boolean(feature.after) : feature.interpolated;
}

// What is outside of what was seen is said beside its name.
function warn(record) {
  for (const note of document.querySelectorAll("[data-outside]")) {
    const value = record[note.dataset.outside];
    note.toggleAttribute("hidden", typeof value !== "number" || (value >= note.dataset.low && value <= note.dataset.high));
  }
}

function shown(name, value) {
  const { points, unit } = features[name];
  const title = typeof value === "number" ? String(value) : points.find((point) => point.value === value).title;
  return unit ? `${title} ${unit}` : title;
}

function drawBar(row, kind, zero, from, to) {
  const [line, rect] = [row.querySelector("line"), row.querySelector("rect")];
  line.setAttribute("x1", `${zero}%`);
  line.setAttribute("x2", `${zero}%`);
  rect.setAttribute("x", `${Math.min(from, to)}%`);
  rect.setAttribute("width", `${Math.max(round(Math.abs(to - from)), 0.4)}%`);
  rect.setAttribute("class", kind);
}

function drawLedger({ intercept, contributions, log_odds: logOdds, probability }) {
  const sums = [intercept];
  for (const term of contributions) sums.push(sums.at(-1) + term.log_odds);
  const at = scaleOver(sums);
  const zero = at(0);
  const [start, ...terms] = document.querySelectorAll(".sum tbody tr");
  const [total, result] = document.querySelectorAll(".sum tfoot tr");
  drawBar(start, "start", zero, zero, at(intercept));
  contributions.forEach((term, index) => {
    const [value, number] = terms[index].querySelectorAll("td");
    value.textContent = shown(term.feature, term.value);
    number.textContent = signed(term.log_odds);
    drawBar(terms[index], sums[index + 1] >= sums[index] ? "up" : "down", zero, at(sums[index]), at(sums[index + 1]));
  });
  total.querySelector(".number").textContent = signed(logOdds);
  drawBar(total, "total", zero, zero, at(logOdds));
  result.querySelector("sup").textContent = signed(-logOdds);
  result.querySelector("strong").textContent = probability.toFixed(4);
}

function drawCategories(section, curve, chosen) {
  const body = section.querySelector("tbody");
  const rows = Object.fromEntries([...body.rows].map((row) => [row.dataset.value, row]));
  const note = body.querySelector("th .visually-hidden");
  for (const { value, probability } of [...curve].sort((a, b) => b.probability - a.probability)) {
    const row = rows[value];
    row.classList.toggle("chosen", value === chosen);
    row.querySelector(".number").textContent = percent(probability);
    const circle = row.querySelector("circle");
    circle.setAttribute("cx", `${round(100 * probability)}%`);
    circle.setAttribute("r", value === chosen ? 7 : 5);
    if (value === chosen) row.querySelector("th").append(note);
    body.append(row);
  }
}

function drawNumbers(section, curve, chosen, probability) {
  const [first, last] = [curve[0].value, curve.at(-1).value];
  const across = (value) => round((100 * (Math.min(Math.max(value, first), last) - first)) / (last - first));
  const points = curve.map((point) => `${across(point.value)},${round(100 - round(100 * point.probability))}`);
  section.querySelector("polyline").setAttribute("points", points.join(" "));
  section.querySelector("circle").toggleAttribute("hidden", typeof chosen !== "number");
  if (typeof chosen === "number") section.querySelector("circle").setAttribute("cx", `${across(chosen)}%`);
  section.querySelector("circle").setAttribute("cy", `${100 - round(100 * probability)}%`);
  [...section.querySelectorAll("tbody tr")].forEach((row, index) => {
    row.classList.toggle("chosen", curve[index].value === chosen);
    row.querySelector(".number").textContent = percent(curve[index].probability);
  });
}

function follow() {
  const record = typed();
  if (!record) return;
  const answer = explain(card, record);
  const curves = whatIf(card, record);
  document.querySelector(".result .figure").textContent = percent(answer.probability);
  document.querySelector(".scale .mark").setAttribute("cx", `${100 * answer.probability}%`);
  drawLedger(answer);
  warn(record);
  for (const { feature, points } of curves) {
    const section = document.querySelector(`.what-if[data-feature="${feature}"]`);
    if (isCategorical(features[feature])) drawCategories(section, points, record[feature]);
    else drawNumbers(section, points, record[feature], answer.probability);
  }
  for (const part of document.querySelectorAll("[data-asked]")) part.toggleAttribute("hidden", true);
  for (const part of document.querySelectorAll("[data-trying]")) part.toggleAttribute("hidden", false);
}

form.addEventListener("input", follow);
// Back and forward bring typed values with them, and the page must not say something else than its form.
addEventListener("pageshow", () => {
  const asked = JSON.parse(document.getElementById("the-record").textContent);
  const record = typed();
  if (record && Object.keys(asked).some((name) => asked[name] !== record[name])) follow();
});
