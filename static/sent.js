// What the server put into a form, whatever somebody typed or a browser restored since: the form itself stays as it is.
export function asSent(form) {
  const copy = form.cloneNode(true);
  HTMLFormElement.prototype.reset.call(copy);
  return new FormData(copy);
}
