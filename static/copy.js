// Puts a copy button beside every block marked data-copy; without script the text can still be selected.
const words = document.currentScript.dataset;
for (const block of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = words.copy;
  button.setAttribute("aria-describedby", block.getAttribute("aria-labelledby"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = words.copied;
    } catch {
      getSelection().selectAllChildren(block);
      button.textContent = words.selected;
    }
    setTimeout(() => (button.textContent = words.copy), 2000);
  });
  block.before(button);
}
// A link that copies itself; a click with a modifier opens it, as everywhere.
for (const link of document.querySelectorAll("[data-copy-link]")) {
  const title = link.textContent;
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(link.href);
      link.textContent = words.copied;
      setTimeout(() => (link.textContent = title), 2000);
    } catch {
      location.assign(link.href); // where nothing may be copied, the address bar shows it
    }
  });
}
