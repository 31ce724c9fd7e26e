// The reasons of an answer follow the form: the same order as the server's, from what the page holds of them.
import { signed } from "./numbers.js";

// The places of the strongest terms, the strongest first; equal ones in their order. The server does the same three
// operations on the same numbers, so that both find the same order.
export function strongest({ count, sign, grain, terms }, points) {
  return points
    .map((each, place) => ({ place, step: Math.floor((sign * (each - terms[place].reference)) / grain + 0.5) }))
    .filter(({ step }) => step < 0)
    .sort((a, b) => a.step - b.step || a.place - b.place)
    .slice(0, count)
    .map(({ place }) => place);
}

const source = document.getElementById("the-reasons");
const asked = source && JSON.parse(source.textContent);
const all = (selector) => [...document.querySelectorAll(selector)];

function sentence({ feature, sentence: plain, values }, value) {
  const own = typeof value === "string" && Object.hasOwn(values, value) ? values[value] : plain;
  // the ledger has the value in words
  const { textContent } = document.querySelector(`.sum [data-term="${CSS.escape(feature)}"] .value`);
  return own.replaceAll("{value}", () => textContent);
}

function follow({ detail: { answer } }) {
  const points = answer.contributions.map((each) => each.log_odds ?? each.points);
  const places = strongest(asked, points);
  const digits = Number(document.querySelector(".sum").dataset.digits);
  all("[data-reason]").forEach((line, rank) => {
    const place = places[rank];
    line.hidden = place === undefined;
    if (line.hidden) return;
    line.querySelector("[data-sentence]").textContent = sentence(asked.terms[place], answer.contributions[place].value);
    line.querySelector(".number").textContent = signed(points[place] - asked.terms[place].reference, digits);
  });
  document.querySelector("[data-no-reason]").hidden = places.length > 0;
  for (const warning of all(".reasons [data-protected]"))
    warning.hidden = !places.some((place) => asked.terms[place].groups.includes(warning.dataset.protected));
}

if (asked) document.addEventListener("answered", follow);
