// Lets Swagger UI, which stands beside this script, show the API's description and send requests to it.
const place = document.getElementById("explorer");
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

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

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.description,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  validatorUrl: null,
  plugins: [operationsOnly],
  layout: "OperationsOnly",
});
