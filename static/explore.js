// Loads Swagger UI and the API's description once somebody opens "Try it here": they are thirty times the page.
const part = document.getElementById("try");
const dark = matchMedia("(prefers-color-scheme: dark)");

// its own layout says again what the page has said, and calls itself the main part of it
const operationsOnly = ({ React }) => ({
  components: {
    OperationsOnly: ({ getComponent }) =>
      React.createElement(
        "div",
        { className: "swagger-ui" },
        React.createElement(getComponent("SvgAssets")),
        React.createElement(getComponent("operations", true)),
      ),
  },
});

function added(kind, properties) {
  const element = Object.assign(document.createElement(kind), properties);
  return new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
}

function followTheTheme() {
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

let isAsked = false;

async function load() {
  if (isAsked || !part.open) return;
  isAsked = true;
  const { style, script, description } = part.dataset;
  const waiting = part.querySelector("[data-waiting]");
  waiting.hidden = false;
  try {
    await Promise.all([added("link", { rel: "stylesheet", href: style }), added("script", { src: script })]);
    followTheTheme();
    SwaggerUIBundle({
      domNode: document.getElementById("explorer"),
      url: description,
      docExpansion: "none",
      defaultModelsExpandDepth: -1,
      validatorUrl: null,
      plugins: [operationsOnly],
      layout: "OperationsOnly",
    });
  } catch {
    part.querySelector("[data-failed]").hidden = false;
  }
  waiting.hidden = true;
}

part.addEventListener("toggle", load);
if (location.hash === "#try") part.open = true;
load(); // it may have been opened before this script was there
