// Parts of a page that are folded away are drawn when they are opened, from the page that their link leads to.
async function draw(fold) {
  const link = fold.querySelector("a[data-fold]");
  if (!fold.open || !link) return;
  const response = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return; // the link is still there
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const part = page.querySelector(fold.dataset.part);
  if (part) link.replaceWith(part);
}

for (const fold of document.querySelectorAll("details[data-part]")) {
  fold.addEventListener("toggle", () => draw(fold));
  draw(fold); // it may have been opened before this script was there
}
