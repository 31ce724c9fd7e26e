// What if: draws the charts of a page again for another record, as the server draws them.
import { endsOf, figure, percent, round, scaleFrom } from "./numbers.js";

const MOST_ROWS = 5; // of a chart on the page of an answer
const NARROWEST = 0.02; // of the common scale, for the scale of one chart
const BETWEEN = 8; // steps from one knot of a probability's curve to the next: only its log-odds run straight
const MOST_STEPS = 400; // of one curve

export function drawCharts(card, record, curves, answer, digits, labels) {
  const numbersOf = (point) =>
    point.probabilities
      ? labels.map((label) => point.probabilities[label])
      : [point.probability ?? point.prediction];
  const own = numbersOf(answer);
  const isNumber = "prediction" in answer;
  const every = curves.flatMap((curve) => curve.points.flatMap(numbersOf));
  const common = isNumber ? endsOf([...own, ...every]) : [0, 1];
  const write = (number) => (isNumber ? figure(number, digits) : percent(number));
  const writeEnd = (number) => (isNumber ? figure(number, digits) : brief(number));
  for (const { feature, points } of curves) {
    const chosen = record[feature];
    const { points: known, interpolated } = card.features.find((each) => each.feature === feature);
    for (const section of document.querySelectorAll(`.what-if[data-feature="${CSS.escape(feature)}"]`)) {
      const rows = points.map((point) => ({
        ...point,
        numbers: numbersOf(point),
        title: known.find((each) => each.value === point.value).title,
        isChosen: point.value === chosen,
      }));
      if (section.querySelector(".plot")) {
        const ends = section.dataset.scale === "one" ? common : ownScale([...own, ...rows.flatMap((row) => row.numbers)], common);
        drawLines(section, isNumber || !interpolated ? rows : bent(rows), chosen, own, ends, ends.map(writeEnd));
      } else drawRows(section, rows, scaleFrom(common), write);
    }
    for (const range of document.querySelectorAll(`[data-range="${CSS.escape(feature)}"]`)) {
      const place = answer.label === undefined ? 0 : labels.indexOf(answer.label);
      const its = points.map((point) => numbersOf(point)[place]);
      range.textContent = `${write(Math.min(...its))} \u2013 ${write(Math.max(...its))}`;
    }
  }
}

function ownScale(numbers, common) {
  let [low, high] = endsOf(numbers);
  const room = Math.max(NARROWEST * (common[1] - common[0]) - (high - low), 0) / 2;
  [low, high] = [low - room, high + room];
  return common[0] === 0 && common[1] === 1 ? [Math.max(low, 0), Math.min(high, 1)] : [low, high];
}

// The end of a scale in few digits, as what_if.py writes it.
const brief = (share) => `${Number((100 * share).toFixed(share >= 0.01 ? 3 : 2)).toPrecision(3) / 1}%`;

// The rows with steps between: what is linear is the logarithm of a probability's odds.
function bent(rows) {
  if (rows.length * BETWEEN > MOST_STEPS) return rows;
  const steps = rows.slice(1).flatMap((right, place) =>
    Array.from({ length: BETWEEN }, (_, step) => mixed(rows[place], right, step / BETWEEN)),
  );
  return [...steps, rows.at(-1)];
}

function mixed(left, right, share) {
  const value = left.value + (right.value - left.value) * share;
  const isOne = left.numbers.length === 1;
  const logs = ({ numbers }) => (isOne ? [numbers[0], 1 - numbers[0]] : numbers).map((each) => Math.log(Math.max(each, 1e-16)));
  const [from, to] = [logs(left), logs(right)];
  const odds = from.map((log, place) => Math.exp(log + (to[place] - log) * share));
  const total = odds.reduce((a, b) => a + b);
  return { value, numbers: (isOne ? odds.slice(0, 1) : odds).map((each) => each / total) };
}

function drawLines(section, rows, chosen, own, ends, [low, high]) {
  const up = scaleFrom(ends);
  const [first, last] = [rows[0].value, rows.at(-1).value];
  const across = (value) => round((100 * (Math.min(Math.max(value, first), last) - first)) / (last - first));
  section.querySelectorAll("polyline").forEach((line, place) => {
    const points = rows.map((row) => `${across(row.value)},${round(100 - up(row.numbers[place]))}`);
    line.setAttribute("points", points.join(" "));
  });
  section.querySelector(".y.top").textContent = high;
  section.querySelector(".y.bottom").textContent = low;
  const isKnown = typeof chosen === "number";
  const circle = section.querySelector("circle");
  circle?.toggleAttribute("hidden", !isKnown);
  circle?.setAttribute("cx", `${isKnown ? across(chosen) : 0}%`);
  circle?.setAttribute("cy", `${round(100 - up(own[0]))}%`);
  const here = section.querySelector(".here");
  here?.setAttribute("x1", `${isKnown ? across(chosen) : 0}%`);
  here?.setAttribute("x2", `${isKnown ? across(chosen) : 0}%`);
}

// Of many values some are shown: the first two, the middle, the last, and the one chosen.
function chosenRows(rows) {
  if (rows.length <= MOST_ROWS) return rows;
  const last = rows.length - 1;
  const own = rows.findIndex((row) => row.isChosen);
  const places = new Set([0, 1, Math.floor((last + 1) / 2), last, own < 0 ? last - 1 : own]);
  if (places.size < MOST_ROWS) places.add(last - 1);
  return [...places].sort((a, b) => a - b).map((place) => rows[place]);
}

function drawRows(section, rows, at, write) {
  const body = section.querySelector("tbody");
  const note = body.querySelector("th .visually-hidden")?.textContent ?? "";
  const isOne = rows[0].numbers.length === 1;
  const sorted = isOne ? [...rows].sort((a, b) => b.numbers[0] - a.numbers[0]) : rows;
  const pattern = body.rows[0];
  const shown = "brief" in section.dataset ? chosenRows(sorted) : sorted;
  body.replaceChildren(
    ...shown.map((row) => {
      const line = pattern.cloneNode(true);
      line.dataset.value = row.value;
      line.classList.toggle("chosen", row.isChosen);
      const head = line.querySelector("th");
      head.textContent = row.title;
      if (row.isChosen && note) {
        const hidden = document.createElement("span");
        hidden.className = "visually-hidden";
        hidden.textContent = note;
        head.append(hidden);
      }
      const cells = line.querySelectorAll("td.number");
      cells.forEach((cell, place) => (cell.textContent = write(row.numbers[cell.dataset.at ?? place])));
      const circle = line.querySelector("circle");
      circle?.setAttribute("cx", `${at(row.numbers[0])}%`);
      circle?.setAttribute("r", row.isChosen ? 7 : 5);
      return line;
    }),
  );
}
