// A class: a page asks once a second whether something has changed, and then shows it; a guess is saved as it is made.
const SECOND = 1000;
const part = () => document.querySelector("[data-poll]");
let covered = 0; // lines of the sum that the board still hides

async function renew() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-poll]");
  if (!fresh) return location.reload(); // the class has ended, or this phone is no longer in it
  const before = part().dataset.step;
  part().replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  prepare(before !== fresh.dataset.step);
}

// Whether the class is elsewhere; a phone that guesses is left alone until its class moves on.
async function isOther(response) {
  const { stamp, state } = part().dataset;
  if (document.querySelector("[data-guess]")) {
    const now = await response.json();
    return `${now.step} ${now.is_revealed}` !== state;
  }
  return response.headers.get("ETag")?.replace(/^W\/|"/g, "") !== stamp;
}

async function look() {
  try {
    const response = await fetch(part().dataset.poll, { headers: { Accept: "application/json" }, cache: "no-cache" });
    if (!response.ok || (await isOther(response))) await renew();
  } catch {
    // no network for now: the next look may have one
  }
  setTimeout(look, SECOND);
}

// A phone: the slider and the number say the same; what is chosen is saved at once.
function prepareGuess(form) {
  const slider = form.querySelector("[data-slider]");
  const number = form.elements.namedItem("guess");
  const said = form.querySelector("[data-saved]");
  const person = Number(form.elements.namedItem("person").value);
  slider.hidden = false;
  let waiting;

  async function save() {
    clearTimeout(waiting);
    if (number.value === "" || !number.checkValidity()) return;
    try {
      const body = JSON.stringify({ person, guess: Number(number.value) });
      const headers = { "Content-Type": "application/json", Accept: "application/json" };
      const response = await fetch(form.getAttribute("action"), { method: "PUT", headers, body });
      if (!response.ok) return location.reload(); // it is no longer asked
      said.textContent = said.dataset.saved;
    } catch {
      said.textContent = said.dataset.failed;
      waiting = setTimeout(save, SECOND);
    }
  }

  slider.addEventListener("input", () => { number.value = slider.value; });
  slider.addEventListener("change", save);
  number.addEventListener("input", () => { slider.value = number.value; });
  number.addEventListener("change", save);
  const address = new URL(location.href);
  address.searchParams.set("person", person);
  history.replaceState(null, "", address); // so that a look does not go on to the next person by itself
}

// The board: the lines of a sum come one by one.
function prepareLines(isNew) {
  const lines = [...document.querySelectorAll("[data-line]")];
  if (isNew) covered = lines.length;
  lines.forEach((line, place) => line.classList.toggle("covered", place >= lines.length - covered));
}

function uncover() {
  const lines = [...document.querySelectorAll("[data-line].covered")];
  if (!lines.length) return false;
  covered = lines.length - 1;
  lines[0].classList.remove("covered");
  return true;
}

const MOVES = {
  ArrowRight: "on", PageDown: "on", Enter: "on", " ": "on",
  ArrowLeft: "back", PageUp: "back", r: "reveal", u: "undo", Backspace: "undo", b: "blank", ".": "blank",
};

async function move(action) {
  const form = document.querySelector(".moves");
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  await fetch(form.getAttribute("action"), { method: "POST", headers, body: JSON.stringify({ action }) });
  await renew();
}

addEventListener("keydown", (event) => {
  const form = document.querySelector(".moves");
  const wanted = MOVES[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const isBusy = event.target.closest?.("a, button, input") && [" ", "Enter"].includes(event.key);
  if (!form || !wanted || isBusy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (wanted !== "on") move(wanted);
  else if (!uncover()) move(form.querySelector("[value='reveal']") ? "reveal" : "next");
});

function prepare(isNew = true) {
  const form = document.querySelector("[data-guess]");
  if (form) prepareGuess(form);
  prepareLines(isNew);
}

if (part()) {
  prepare();
  setTimeout(look, SECOND);
}
