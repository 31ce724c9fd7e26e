// For the form marked data-upload: drag and drop, progress, and a download of what was shown, without choosing the
// file again. Without script the form is an ordinary one.
const upload = () => document.querySelector("form[data-upload]");

function prepare() {
  const form = upload();
  form.classList.add("droppable");
  form.querySelector("[data-drop]").hidden = false;
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) form.elements.file.files = event.dataTransfer.files;
  });
  form.addEventListener("submit", (event) => {
    // the browser shows the progress of a download itself
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    send(form);
  });
}

function send(form) {
  const bar = form.querySelector("progress");
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "text/html");
  form.querySelector("[data-unsent]").hidden = true;
  bar.hidden = false;
  request.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = loaded / total));
  request.upload.addEventListener("load", () => bar.removeAttribute("value")); // sent; now it is being scored
  request.addEventListener("load", () => show(request.responseText, form));
  // a file that has changed since it was chosen cannot be read, nor a server that is away be reached
  request.addEventListener("error", () => {
    bar.hidden = true;
    form.querySelector("[data-unsent]").hidden = false;
  });
  request.send(new FormData(form));
}

function show(text, sent) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const main = page.querySelector("main");
  if (!main) return sent.submit(); // an answer that is no page: let the browser show it
  document.title = page.title;
  document.querySelector("main").replaceWith(main);
  const form = upload();
  if (form) {
    keep(sent, form);
    prepare();
  }
  const told = main.querySelector("h1");
  told.scrollIntoView();
  told.focus({ preventScroll: true });
}

// the new form holds the same file and the same choices, so the result can be downloaded at once
function keep(sent, form) {
  form.elements.file.files = sent.elements.file.files;
  for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = sent.elements[box.name].checked;
  for (const part of document.querySelectorAll("[data-kept]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = true;
}

prepare();
