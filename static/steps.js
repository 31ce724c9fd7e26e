// Step by step: covers the lines of the ledger, and shows one after the other.
const all = (selector) => [...document.querySelectorAll(selector)];
const steps = document.querySelector("[data-steps]");
const lines = () => all(".sum tbody tr, .sum tfoot tr").filter((row) => getComputedStyle(row).display !== "none");

function cover(isCovered) {
  lines().forEach((row, place) => row.classList.toggle("covered", isCovered && place > 0));
  document.querySelector("[data-steps-hint]").hidden = !isCovered;
  document.body.classList.toggle("stepping", isCovered);
}

function uncover() {
  const covered = lines().filter((row) => row.classList.contains("covered"));
  covered[0]?.classList.remove("covered");
  if (covered.length <= 1) cover(false);
}

steps?.addEventListener("click", () => {
  cover(!document.body.classList.contains("stepping"));
  document.querySelector(".sum").scrollIntoView({ block: "nearest" });
  steps.blur();
});
document.querySelector(".sum")?.addEventListener("click", (event) => {
  if (document.body.classList.contains("stepping") && !event.target.closest("a")) uncover();
});
addEventListener("keydown", (event) => {
  const isBusy = event.target.closest?.("input, select, textarea, button, a, summary");
  if (event.key !== " " || isBusy || !document.body.classList.contains("stepping")) return;
  event.preventDefault();
  uncover();
});
if (document.body.classList.contains("board") && steps) cover(true);
