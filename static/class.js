// A class: a page asks once a second whether something has changed, and then shows it; a guess is saved as it is made.
const SECOND = 1000;
const part = () => document.querySelector("[data-poll]");
let covered = 0; // lines of the sum that the board still hides

// What changes the page happens one after the other: each finds the page that the one before has left.
let turns = Promise.resolve();
function inTurn(act) {
  const done = turns.then(act);
  turns = done.catch(() => {});
  return done;
}

const isBusy = (response) => response.status >= 500; // for now: the next look may be answered

// How to find a button or a link again on a page that was drawn anew, so that the keyboard stays where it was.
function placeOf(element) {
  if (element?.value && element.localName === "button") return `button[value="${CSS.escape(element.value)}"]`;
  return element?.localName === "a" ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

// Show the page as it is now, or another one; a page that no network brings is never left.
async function renew(address = location.href) {
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (isBusy(response)) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector("[data-poll]");
  if (!fresh) return location.reload(); // the class has ended, or this phone is no longer in it
  history.replaceState(null, "", address);
  const before = part().dataset.step;
  const place = part().contains(document.activeElement) && placeOf(document.activeElement);
  part().replaceWith(document.adoptNode(fresh));
  if (place) part().querySelector(place)?.focus({ preventScroll: true });
  document.title = page.title;
  prepare(before !== fresh.dataset.step);
}

// Send what a phone says, again and again until it is acknowledged; tell whether it still is asked.
async function put(address, said, failed = () => {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  for (;;) {
    try {
      const response = await fetch(address, { method: "PUT", headers, body: JSON.stringify(said) });
      if (!isBusy(response)) return response.ok;
    } catch {
      // no network for now
    }
    failed();
    await new Promise((resolve) => setTimeout(resolve, SECOND));
  }
}

// Go to another person of the same class, with the next look if there is no network.
async function goTo(address) {
  try {
    await inTurn(() => renew(address));
    scrollTo(0, 0);
    const heading = part().querySelector("h2");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  } catch {
    setTimeout(goTo, SECOND, address);
  }
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
    if (!isBusy(response) && (!response.ok || (await isOther(response)))) await inTurn(() => renew());
  } catch {
    // no network for now: the next look may have one
  }
  setTimeout(look, SECOND);
}

// A phone: the slider and the number say the same; what is chosen is saved at once.
function prepareGuess(form) {
  const slider = form.querySelector("[data-slider]");
  const number = form.elements.namedItem("guess");
  const status = form.querySelector("[data-saved]");
  const person = Number(form.elements.namedItem("person").value);
  slider.hidden = false;
  const failed = () => { status.textContent = status.dataset.failed; };
  let saving = null; // one after the other, or an older guess might come last

  async function save() {
    if (number.value === "" || !number.checkValidity()) return;
    let last;
    do {
      last = number.value;
      const said = { person, guess: Number(last) };
      if (!(await put(form.getAttribute("action"), said, failed))) return location.reload(); // it is no longer asked
    } while (last !== number.value && number.value !== "" && number.checkValidity());
    status.textContent = status.dataset.saved;
  }

  const saved = () => { saving ??= save().finally(() => { saving = null; }); return saving; };

  slider.addEventListener("input", () => { number.value = slider.value; });
  slider.addEventListener("change", saved);
  slider.addEventListener("click", () => { // who means the middle does not move it
    number.value = slider.value;
    saved();
  });
  number.addEventListener("input", () => { slider.value = number.value; });
  number.addEventListener("change", saved);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await saved();
    if (form.isConnected) goTo(form.getAttribute("action"));
  });
  const address = new URL(location.href);
  address.searchParams.set("person", person);
  history.replaceState(null, "", address); // so that a look does not go on to the next person by itself
}

// A phone: a vote is sent, and a person opened, without leaving the page.
addEventListener("submit", async (event) => {
  if (!event.target.matches(".votes")) return;
  event.preventDefault();
  const vote = event.submitter.value;
  await put(event.target.getAttribute("action"), { vote });
  goTo(location.href);
});

addEventListener("click", (event) => {
  const link = event.target.closest(".numbers a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  goTo(link.href);
});

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
  try {
    await fetch(form.getAttribute("action"), { method: "POST", headers, body: JSON.stringify({ action }) });
    await renew();
  } catch {
    // nothing has moved: the key can be pressed again
  }
}

// What a key asks for; "on" is the next line of the sum, then Reveal, then Next.
async function act(wanted) {
  const form = document.querySelector(".moves");
  if (wanted !== "on") return move(wanted);
  if (!uncover()) return move(form.querySelector("[value='reveal']") ? "reveal" : "next");
}

addEventListener("keydown", (event) => {
  const form = document.querySelector(".moves");
  const wanted = MOVES[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  const isPressed = event.target.closest?.("a, button, input") && [" ", "Enter"].includes(event.key);
  if (!form || !wanted || isPressed || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  inTurn(() => act(wanted));
});

// A button moves the board as a key does: were the page sent for anew, it would take the next key with it.
addEventListener("submit", (event) => {
  if (!event.target.matches(".moves")) return;
  event.preventDefault();
  const action = event.submitter.value;
  inTurn(() => move(action));
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
