// What is wrong with a page on a wall: text that is small, cut off, below the screen, or under something else.
() => {
  const found = [];
  const written = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const shown = { visibilityProperty: true, contentVisibilityAuto: true };
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    const text = node.textContent.trim().slice(0, 40);
    if (!text || !element.checkVisibility(shown) || element.closest(".visually-hidden, noscript")) continue;
    const matrix = element.closest("svg") && element.getScreenCTM();
    const size = parseFloat(getComputedStyle(element).fontSize) * (matrix ? Math.hypot(matrix.a, matrix.b) : 1);
    if (size < 32) found.push(`${size.toFixed(1)} px: ${text}`);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = element.closest("th, td, .brief"); // these may end with an ellipsis
    const edges = box && getComputedStyle(box).overflow === "hidden" ? box.getBoundingClientRect() : null;
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (right - left < 1 || (edges && top > edges.bottom - 2)) continue;
      written.push({ node, text, left, right: Math.min(right, edges?.right ?? right), top, bottom });
    }
  }
  if (written.length < 5) found.push("next to nothing is written here");
  for (const each of written) {
    if (each.left < -1 || each.right > innerWidth + 1) found.push(`beside the screen: ${each.text}`);
    if (each.bottom > innerHeight + 1) found.push(`below the screen: ${each.text}`);
  }
  const others = [...document.querySelectorAll("aside.scan, .moves > *")].map((element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { node: element, text: element.className || element.textContent.trim(), left, right, top, bottom };
  });
  const meet = (one, two) => Math.min(one.right, two.right) - Math.max(one.left, two.left) > 2
    && Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top) > 0.3 * (one.bottom - one.top);
  written.forEach((one, place) => {
    for (const two of [...written.slice(0, place), ...others]) {
      if (one.node !== two.node && !two.node.contains(one.node) && meet(one, two)) found.push(`${one.text} on ${two.text}`);
    }
  });
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page is wider than the screen");
  return found;
}
