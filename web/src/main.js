// Draws the charts, and makes the tables and the tree of places interactive. The page is readable without it.

import { changes } from "./changes.js";
import { growth } from "./growth.js";
import { icicle } from "./icicle.js";
import { memory } from "./memory.js";
import { theme } from "./theme.js";
import { types } from "./types.js";

const data = JSON.parse(document.getElementById("data").textContent);
const charts = { changes, growth, memory };

theme(document.getElementById("theme"));
document.documentElement.classList.add("scripted");
for (const figure of document.querySelectorAll("figure[data-chart]")) charts[figure.dataset.chart](figure, data);
const tree = document.getElementById("icicle");
if (tree) {
  icicle(tree, data.tree);
  document.getElementById("places").open = false;
}
const table = document.getElementById("type-table");
if (table) types(table, data.types);

// Folded details are printed, too.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const details of opened) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of opened) details.open = false;
});
