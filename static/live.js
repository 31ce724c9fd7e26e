// A form marked data-live asks again while its inputs move, and shows the answer in the parts of the page it names.
// Without script the form's own button does the same. A form of another page asks once its part comes into view.
import { asSent } from "./sent.js";

const written = (data) => new URLSearchParams(data).toString();

function renew(part, fresh) {
  if (part.innerHTML === fresh.innerHTML) return;
  const shown = part.querySelectorAll("details");
  fresh.querySelectorAll("details").forEach((details, place) => { details.open = shown[place]?.open; });
  part.replaceChildren(...fresh.childNodes);
}

for (const form of document.querySelectorAll("form[data-live]")) {
  // by attributes: a field may be called action or dataset, and would stand in the place of the form's own
  const parts = form.getAttribute("data-live").split(" ");
  const action = new URL(form.getAttribute("action").split("#")[0], location);
  const isOurs = action.pathname === location.pathname;
  let waiting;
  let asked = 0;

  async function ask() {
    const turn = ++asked;
    action.search = new URLSearchParams(new FormData(form));
    const response = await fetch(action, { headers: { Accept: "text/html" } });
    if (turn !== asked || !response.ok) return; // a newer question is under way, or the input is not finished
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of parts) renew(document.getElementById(part), page.getElementById(part));
    if (isOurs) history.replaceState(null, "", action);
  }

  function tell(input) {
    const output = input.parentElement.querySelector("output");
    if (output) output.value = Number(input.value).toFixed(2);
  }

  form.addEventListener("input", (event) => {
    tell(event.target);
    clearTimeout(waiting);
    waiting = setTimeout(ask, 60);
  });
  if (written(new FormData(form)) !== written(asSent(form))) {
    form.querySelectorAll("[type=range]").forEach(tell); // they were moved before this script was there
    ask();
  }
  if (isOurs) continue;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  const view = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    view.disconnect();
    ask();
  });
  view.observe(document.getElementById(parts[0]));
}
