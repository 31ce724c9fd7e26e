// Two fields together, on the scorecard: marks what is picked in the charts and tables of every pair.
import { placeIn } from "./scorecard.js";
import { round, scaleFrom } from "./numbers.js";

export function drawPairs(card, record, answer) {
  for (const section of document.querySelectorAll("[data-pair]")) {
    const pair = card.pairs.find((each) => each.feature === section.dataset.pair);
    const points = answer.contributions.find((each) => each.feature === pair.feature);
    const place = placeIn(pair, record);
    const along = Number(section.dataset.along); // which of the two goes along the charts
    const mark = (selector, isPicked) =>
      section.querySelectorAll(selector).forEach((each) => each.classList.toggle("picked", isPicked(each.dataset)));
    mark("[data-cell]", ({ cell }) => cell === place.join("."));
    mark("[data-line]", ({ line }) => Number(line) === place[1 - along]);
    mark("[data-level]", ({ level }) => Number(level) === place[along]);
    for (const curve of section.querySelectorAll(".curve"))
      drawMark(curve, record[pair.features[along]], points.log_odds ?? points.points);
  }
}

function drawMark(curve, value, points) {
  const { from, to, low, high, label } = curve.dataset;
  const isKnown = typeof value === "number";
  const at = isKnown ? scaleFrom([Number(from), Number(to)])(Math.min(Math.max(value, from), to)) : 0;
  const [line, circle] = [curve.querySelector(".here"), curve.querySelector("circle")];
  for (const each of [line, circle]) each.toggleAttribute("hidden", !isKnown);
  line.setAttribute("x1", `${at}%`);
  line.setAttribute("x2", `${at}%`);
  circle.setAttribute("cx", `${at}%`);
  const height = scaleFrom([Number(low), Number(high)])(typeof points === "number" ? points : points[label]);
  circle.setAttribute("cy", `${round(100 - height)}%`);
}
