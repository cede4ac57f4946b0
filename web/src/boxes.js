// The boxes of the icicle: which places are shown in a view, and the element of each.
//
// A view has the node that is zoomed to, the current node, the hits of a search or null, and the root.

import { scaleLinear } from "d3-scale";
import { element } from "./dom.js";
import { bytes, count, percent } from "./format.js";

const ROW = 26;
const NARROW = 3;
const LABELLED = 40;

export const share = (view, size) => percent(view.root.value ? size / view.root.value : 0);

// The nodes that are wide enough in a view, with their left edges and widths; and runs of nodes that are too narrow.
function visible({ zoomed }, width) {
  const x = scaleLinear([zoomed.x0, zoomed.x1], [0, width]);
  const wide = (node) => x(node.x1) - x(node.x0);
  const shown = [];
  const narrow = [];
  const open = [zoomed];
  while (open.length > 0) {
    const node = open.pop();
    shown.push({ node, left: x(node.x0), wide: wide(node) });
    const below = node.children ?? [];
    open.push(...below.filter((child) => wide(child) >= NARROW));
    // Children are sorted by size, so the narrow ones are next to each other.
    const thin = below.filter((child) => wide(child) < NARROW);
    if (thin.length > 0) {
      const left = x(thin[0].x0);
      narrow.push({ depth: node.depth + 1, left, wide: x(thin[thin.length - 1].x1) - left, places: thin.length });
    }
  }
  for (let up = zoomed.parent; up; up = up.parent) shown.push({ node: up, left: 0, wide: width });
  return { shown: shown.sort((a, b) => a.node.index - b.node.index), narrow };
}

function classes(view, node) {
  const { origin, marked, leads, shared, folded } = node.data;
  const is = {
    marked,
    leads,
    shared,
    folded,
    above: node !== view.zoomed && node.depth <= view.zoomed.depth,
    miss: view.hits && !view.hits.has(node),
    hit: view.hits?.has(node),
  };
  const names = ["box", origin ?? "all", node.depth % 2 ? "odd" : "even"];
  return [...names, ...Object.keys(is).filter((name) => is[name])].join(" ");
}

function box(view, { node, wide }) {
  const { label, type } = node.data;
  const isCurrent = node === view.current;
  return element(
    "div",
    {
      class: classes(view, node),
      role: "treeitem",
      "aria-level": node.depth + 1,
      "aria-selected": isCurrent ? "true" : "false",
      "aria-label": `${label}${type ? `, ${type}` : ""}, ${bytes(node.value)}, ${share(view, node.value)}`,
      tabindex: isCurrent ? "0" : "-1",
      "data-index": node.index,
    },
    wide > LABELLED ? label : "",
    wide > LABELLED ? element("small", {}, ` ${bytes(node.value)}`) : "",
  );
}

function thinBox({ wide, places }) {
  const title = `${count(places, "more place", "more places")}, too narrow here: zoom in`;
  return element("div", { class: "box thin", "aria-hidden": "true", title }, wide > 90 ? `… ${places} more` : "");
}

function placed(made, depth, { left, wide }, width) {
  made.style.left = `${(left / width) * 100}%`;
  made.style.width = `${(wide / width) * 100}%`;
  made.style.top = `${depth * ROW}px`;
  return made;
}

// Draws a view into `place`. The current node becomes the zoomed one if it is not shown.
export function drawBoxes(place, view) {
  const width = place.clientWidth || 1000;
  const { shown, narrow } = visible(view, width);
  if (!shown.some(({ node }) => node === view.current)) view.current = view.zoomed;
  place.style.height = `${(Math.max(...shown.map(({ node }) => node.depth)) + 1) * ROW}px`;
  const names = shown.map((one) => placed(box(view, one), one.node.depth, one, width));
  const thin = narrow
    .filter(({ wide }) => wide >= 4 * NARROW)
    .map((one) => placed(thinBox(one), one.depth, one, width));
  place.replaceChildren(...names, ...thin);
}
