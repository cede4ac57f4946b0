// Where retained size is, by path: a box a place, what it holds below it. Zoomed by click or Enter, gone through with
// the arrow keys, searched by typing.

import { hierarchy, partition } from "d3-hierarchy";
import { scaleLinear } from "d3-scale";
import { element } from "./dom.js";
import { bytes, count, grouped, percent } from "./format.js";

const ROW = 26;
const NARROW = 3;
const ORIGINS = ["other", "own", "package", "standard"];
const GROUPS = [
  ["own", "your code"],
  ["package", "packages"],
  ["standard", "standard library"],
  ["other", "frames, interpreter, others"],
];

// The places as a tree, the roots by whose code they are; what is folded below a place is a place of its own there.
function tree(data) {
  const folded = ({ places, retained }) => ({
    label: count(places, "smaller place", "smaller places"),
    folded: true,
    self: retained,
    below: [],
  });
  const top = { label: "all reachable objects", type: "", objects: data.objects, self: 0, below: [], path: "" };
  const groups = Object.fromEntries(
    GROUPS.map(([origin, label]) => [origin, { label, origin, group: true, roots: 0, self: 0, below: [], path: label }]),
  );
  const places = [];
  for (const [parent, label, type, objects, shallow, , flags, hidden, hiddenBytes, path] of data.places) {
    const above = parent === null ? groups[ORIGINS[flags >> 2]] : places[parent];
    const place = {
      label,
      type: data.types[type],
      objects,
      shallow,
      self: shallow,
      shared: (flags & 1) !== 0,
      marked: (flags & 2) !== 0,
      origin: above.origin,
      path: path ?? (parent === null ? label : above.path + label),
      below: [],
    };
    above.below.push(place);
    if (parent === null) above.roots += 1;
    places.push(place);
    if (hidden > 0) place.folded_below = folded({ places: hidden, retained: hiddenBytes });
  }
  top.below = Object.values(groups).filter((group) => group.roots > 0);
  if (data.folded.places > 0) top.folded_below = folded(data.folded);
  const children = (place) => (place.folded_below ? [...place.below, place.folded_below] : place.below);
  const root = hierarchy(top, children).sum((place) => place.self);
  const order = (node) => (node.data.group ? GROUPS.findIndex(([origin]) => origin === node.data.origin) : 0);
  root.sort((a, b) => order(a) - order(b) || b.value - a.value);
  for (const node of root.descendants()) {
    if (node.data.marked) for (let up = node.parent; up; up = up.parent) up.data.leads = true;
    if (node.data.folded) {
      node.data.origin = node.parent.data.origin ?? "other";
      node.data.path = `${node.parent.data.path}: ${node.data.label}`;
    }
  }
  return partition()(root);
}

export function icicle(place, data) {
  const root = tree(data);
  const all = root.descendants();
  all.forEach((node, index) => (node.index = index));
  let zoomed = root;
  let current = root;
  let hits = null;

  const input = element("input", { type: "search", id: "tree-search", placeholder: "Search: a name or a type", spellcheck: "false" });
  const said = element("span", { class: "said-hits", role: "status" });
  const out = element("button", { type: "button" }, "Zoom out");
  const whole = element("button", { type: "button" }, "Whole heap");
  const boxes = element("div", { class: "boxes", role: "tree", "aria-label": "Retained size by path" });
  const details = element("div", { class: "details" });
  const legend = element("ul", { class: "legend" });
  for (const [origin, name] of GROUPS.filter(([origin]) => all.some((node) => node.data.origin === origin))) {
    legend.append(element("li", {}, element("span", { class: `swatch ${origin}` }), name));
  }
  if (all.some((node) => node.data.marked)) {
    legend.append(element("li", {}, element("span", { class: "swatch marked" }), "named above"));
  }
  legend.append(element("li", {}, element("span", { class: "swatch shared" }), "held from elsewhere too"));
  place.append(
    element("p", { class: "tools" }, element("label", { for: "tree-search" }, "Search"), input, said, out, whole),
    boxes,
    details,
    legend,
  );
  place.hidden = false;

  function tell(node) {
    const { path, type, objects, shallow, shared, folded, group, roots } = node.data;
    const facts = [`retains ${bytes(node.value)}, ${percent(root.value ? node.value / root.value : 0)} of all`];
    if (group) facts.push(count(roots, "module or other root", "modules and other roots"));
    else if (!folded) facts.push(count(objects, "object", "objects"));
    if (shallow !== undefined) facts.push(`${bytes(shallow)} of their own`);
    if (shared) facts.push("held from elsewhere too: it would not be freed with what stands above it");
    details.replaceChildren(
      element("code", {}, path || node.data.label),
      ...(type ? [" ", element("span", { class: "type" }, type)] : []),
      element("br"),
      facts.join(" · "),
    );
  }

  function zoom(node, focus) {
    zoomed = node.children ? node : (node.parent ?? node);
    current = node;
    draw();
    if (focus) boxOf(current)?.focus();
  }

  const boxOf = (node) => node && boxes.querySelector(`[data-index="${node.index}"]`);

  function visible() {
    const width = boxes.clientWidth || 1000;
    const x = scaleLinear([zoomed.x0, zoomed.x1], [0, width]);
    const shown = [];
    const narrow = [];
    const open = [zoomed];
    while (open.length > 0) {
      const node = open.pop();
      shown.push([node, x(node.x0), x(node.x1) - x(node.x0)]);
      const below = node.children ?? [];
      open.push(...below.filter((child) => x(child.x1) - x(child.x0) >= NARROW));
      // The smallest stand last.
      const thin = below.filter((child) => x(child.x1) - x(child.x0) < NARROW);
      if (thin.length > 0) narrow.push([node.depth + 1, x(thin[0].x0), x(thin[thin.length - 1].x1) - x(thin[0].x0), thin.length]);
    }
    for (let up = zoomed.parent; up; up = up.parent) shown.push([up, 0, width]);
    return { shown: shown.sort((a, b) => a[0].index - b[0].index), narrow, width };
  }

  function placed(box, depth, left, wide, width) {
    box.style.left = `${(left / width) * 100}%`;
    box.style.width = `${(wide / width) * 100}%`;
    box.style.top = `${depth * ROW}px`;
    return box;
  }

  function draw() {
    const { shown, narrow, width } = visible();
    const deepest = Math.max(...shown.map(([node]) => node.depth));
    boxes.style.height = `${(deepest + 1) * ROW}px`;
    const names = shown.map(([node, left, wide]) => {
      const { label, type, origin, marked, leads, shared, folded } = node.data;
      const classes = ["box", origin ?? "all", node.depth % 2 ? "odd" : "even"];
      if (marked) classes.push("marked");
      if (leads) classes.push("leads");
      if (shared) classes.push("shared");
      if (folded) classes.push("folded");
      if (node !== zoomed && node.depth <= zoomed.depth) classes.push("above");
      if (hits && !hits.has(node)) classes.push("miss");
      if (hits?.has(node)) classes.push("hit");
      const share = percent(root.value ? node.value / root.value : 0);
      const box = element(
        "div",
        {
          class: classes.join(" "),
          role: "treeitem",
          "aria-level": node.depth + 1,
          "aria-selected": node === current ? "true" : "false",
          "aria-label": `${label}${type ? `, ${type}` : ""}, ${bytes(node.value)}, ${share}`,
          tabindex: node === current ? "0" : "-1",
          "data-index": node.index,
        },
        wide > 40 ? label : "",
        wide > 40 ? element("small", {}, ` ${bytes(node.value)}`) : "",
      );
      return placed(box, node.depth, left, wide, width);
    });
    const thin = narrow
      .filter(([, , wide]) => wide >= 4 * NARROW)
      .map(([depth, left, wide, places]) => {
        const said = `${count(places, "more place", "more places")}, too narrow here: zoom in`;
        const box = element("div", { class: "box thin", "aria-hidden": "true", title: said }, wide > 90 ? `… ${places} more` : "");
        return placed(box, depth, left, wide, width);
      });
    if (!shown.some(([node]) => node === current)) {
      current = zoomed;
      names[shown.findIndex(([node]) => node === zoomed)].tabIndex = 0;
    }
    const focused = boxes.contains(document.activeElement);
    boxes.replaceChildren(...names, ...thin);
    if (focused) boxOf(current)?.focus({ preventScroll: true });
    out.disabled = !zoomed.parent;
    whole.disabled = zoomed === root;
    tell(current);
  }

  const at = (event) => all[Number(event.target.closest?.("[data-index]")?.dataset.index)];
  boxes.addEventListener("click", (event) => at(event) && zoom(at(event), true));
  boxes.addEventListener("pointerover", (event) => at(event) && tell(at(event)));
  boxes.addEventListener("pointerleave", () => tell(current));
  boxes.addEventListener("focusin", (event) => {
    const node = at(event);
    if (!node) return;
    boxes.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    boxes.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    event.target.tabIndex = 0;
    event.target.setAttribute("aria-selected", "true");
    current = node;
    tell(node);
  });
  boxes.addEventListener("keydown", (event) => {
    const node = at(event);
    if (!node) return;
    const beside = (step) => {
      const siblings = node.parent?.children ?? [];
      return boxOf(siblings[siblings.indexOf(node) + step]);
    };
    const moves = {
      ArrowUp: () => boxOf(node.parent),
      ArrowDown: () => boxOf(node.children?.[0]),
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
      Home: () => boxOf(root),
    };
    if (event.key in moves) moves[event.key]()?.focus();
    else if (event.key === "Enter" || event.key === " ") zoom(node, true);
    else if (event.key === "Escape" || event.key === "Backspace") zoom(zoomed.parent ?? root, true);
    else return;
    event.preventDefault();
  });
  out.addEventListener("click", () => zoom(zoomed.parent ?? root, false));
  whole.addEventListener("click", () => zoom(root, false));

  function search() {
    const wanted = input.value.trim().toLowerCase();
    if (wanted === "") {
      hits = null;
      said.textContent = "";
    } else {
      const found = (node) =>
        !node.data.folded &&
        !node.data.group &&
        (node.data.label.toLowerCase().includes(wanted) ||
          (node.data.type ?? "").toLowerCase().includes(wanted) ||
          node.data.path.toLowerCase().endsWith(wanted));
      hits = new Set(all.filter(found));
      // What stands below another hit is in its size already.
      const within = (node) => node.ancestors().slice(1).some((up) => hits.has(up));
      const size = [...hits].filter((node) => !within(node)).reduce((sum, node) => sum + node.value, 0);
      said.textContent = `${count(hits.size, "place", "places")}, ${bytes(size)}, ${percent(root.value ? size / root.value : 0)}`;
    }
    draw();
  }
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !hits || hits.size === 0) return;
    const largest = [...hits].reduce((most, node) => (node.value > most.value ? node : most));
    zoom(largest, true);
  });
  let width = 0;
  new ResizeObserver(() => {
    if (boxes.clientWidth !== width) draw();
    width = boxes.clientWidth;
  }).observe(boxes);
  draw();
}
