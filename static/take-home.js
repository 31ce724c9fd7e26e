// The take-home file: what the page of an answer does by script, the interval, and the model for programs.
import { explain } from "./scorecard.js";
import { intervalOf, readKnown } from "./intervals.js";
import { figure, percent } from "./numbers.js";
import "./try.js";

const held = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
const card = held("the-scorecard");
const intervals = held("the-intervals");
const known = intervals && readKnown(card, intervals);

// window.glassform.answer(record): the answer and every term of its sum, as the server gives them.
window.glassform = {
  answer(record) {
    const answer = explain(card, record);
    return known ? { ...answer, interval: intervalOf(card, known, record, answer) } : answer;
  },
};

function drawInterval({ detail: { record, answer } }) {
  const ends = intervalOf(card, known, record, answer);
  const { low, high } = document.querySelector(".scale-box").dataset;
  const [from, to] = ends.map((end) => Math.min(Math.max((100 * (end - low)) / (high - low), 0), 100));
  const bar = document.querySelector(".scale .interval");
  bar.setAttribute("x", `${from}%`);
  bar.setAttribute("width", `${to - from}%`);
  const digits = Number(document.querySelector("[data-digits]").dataset.digits);
  const write = (end) => ("prediction" in answer ? figure(end, digits) : percent(end));
  const line = document.querySelector("[data-interval]");
  line.textContent = line.dataset.interval.replace("{low}", write(ends[0])).replace("{high}", write(ends[1]));
}

if (known) document.addEventListener("answered", drawInterval);
document.querySelector("[data-without-script]").hidden = true;
// there is nothing to send the form to
document.querySelector("form[data-try]").addEventListener("submit", (event) => event.preventDefault());
