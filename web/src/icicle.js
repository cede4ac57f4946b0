// Retained size by path, as an icicle: one box for each place, with the places that it holds below it. A click or Enter
// zooms, the arrow keys move, and typing searches.

import { drawBoxes, share } from "./boxes.js";
import { element } from "./dom.js";
import { bytes, count } from "./format.js";
import { GROUPS, placeTree, retained, search } from "./place_tree.js";

// The elements of the picture, added to `place`.
function build(place, all) {
  const parts = {
    input: element("input", { type: "search", id: "tree-search", placeholder: "Search: a name or a type", spellcheck: "false" }),
    status: element("span", { class: "search-status", role: "status" }),
    out: element("button", { type: "button" }, "Zoom out"),
    whole: element("button", { type: "button" }, "Whole heap"),
    boxes: element("div", { class: "boxes", role: "tree", "aria-label": "Retained size by path" }),
    details: element("div", { class: "details" }),
  };
  const { input, status, out, whole, boxes, details } = parts;
  const label = element("label", { for: "tree-search" }, "Search");
  place.append(element("p", { class: "tools" }, label, input, status, out, whole), boxes, details, legend(all));
  place.hidden = false;
  return parts;
}

function legend(all) {
  const list = element("ul", { class: "legend" });
  const add = (swatch, name) => list.append(element("li", {}, element("span", { class: `swatch ${swatch}` }), name));
  for (const [origin, name] of GROUPS) if (all.some((node) => node.data.origin === origin)) add(origin, name);
  if (all.some((node) => node.data.marked)) add("marked", "named above");
  add("shared", "held from elsewhere too");
  return list;
}

function facts(view, node) {
  const { objects, shallow, shared, folded, group, roots } = node.data;
  const list = [`retains ${bytes(node.value)}, ${share(view, node.value)} of the heap`];
  if (group) list.push(count(roots, "module or other root", "modules and other roots"));
  else if (!folded) list.push(count(objects, "object", "objects"));
  if (shallow !== undefined) list.push(`${bytes(shallow)} of their own`);
  if (shared) list.push("held from elsewhere too: it would not be freed with the places above it");
  return list.join(" · ");
}

class Icicle {
  constructor(place, data) {
    const root = placeTree(data);
    this.all = root.descendants();
    this.all.forEach((node, index) => (node.index = index));
    this.view = { root, zoomed: root, current: root, hits: null };
    this.parts = build(place, this.all);
  }

  boxOf(node) {
    return node && this.parts.boxes.querySelector(`[data-index="${node.index}"]`);
  }

  nodeAt(event) {
    return this.all[Number(event.target.closest?.("[data-index]")?.dataset.index)];
  }

  show(node) {
    const { path, type, label } = node.data;
    this.parts.details.replaceChildren(
      element("code", {}, path || label),
      ...(type ? [" ", element("span", { class: "type" }, type)] : []),
      element("br"),
      facts(this.view, node),
    );
  }

  draw() {
    const { view, parts } = this;
    const hadFocus = parts.boxes.contains(document.activeElement);
    drawBoxes(parts.boxes, view);
    if (hadFocus) this.boxOf(view.current)?.focus({ preventScroll: true });
    parts.out.disabled = !view.zoomed.parent;
    parts.whole.disabled = view.zoomed === view.root;
    this.show(view.current);
  }

  zoom(node, focus) {
    this.view.zoomed = node.children ? node : (node.parent ?? node);
    this.view.current = node;
    this.draw();
    if (focus) this.boxOf(node)?.focus();
  }

  zoomOut(focus) {
    this.zoom(this.view.zoomed.parent ?? this.view.root, focus);
  }

  select(event) {
    const node = this.nodeAt(event);
    if (!node) return;
    const { boxes } = this.parts;
    boxes.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    boxes.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    event.target.tabIndex = 0;
    event.target.setAttribute("aria-selected", "true");
    this.view.current = node;
    this.show(node);
  }

  // The node that an arrow key or Home moves to; undefined for other keys.
  target(key, node) {
    const beside = (step) => {
      const siblings = node.parent?.children ?? [];
      return siblings[siblings.indexOf(node) + step];
    };
    const moves = {
      ArrowUp: () => node.parent,
      ArrowDown: () => node.children?.[0],
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
      Home: () => this.view.root,
    };
    return moves[key] && { node: moves[key]() };
  }

  press(event) {
    const node = this.nodeAt(event);
    if (!node) return;
    const target = this.target(event.key, node);
    if (target) this.boxOf(target.node)?.focus();
    else if (event.key === "Enter" || event.key === " ") this.zoom(node, true);
    else if (event.key === "Escape" || event.key === "Backspace") this.zoomOut(true);
    else return;
    event.preventDefault();
  }

  search() {
    const { view, parts } = this;
    view.hits = search(this.all, parts.input.value);
    const size = view.hits && retained(view.hits);
    parts.status.textContent = view.hits
      ? `${count(view.hits.size, "place", "places")}, ${bytes(size)}, ${share(view, size)}`
      : "";
    this.draw();
  }

  zoomToLargestHit() {
    const { hits } = this.view;
    if (!hits || hits.size === 0) return;
    this.zoom([...hits].reduce((most, node) => (node.value > most.value ? node : most)), true);
  }

  listen() {
    const { view, parts } = this;
    const { boxes } = parts;
    boxes.addEventListener("click", (event) => this.nodeAt(event) && this.zoom(this.nodeAt(event), true));
    boxes.addEventListener("pointerover", (event) => this.nodeAt(event) && this.show(this.nodeAt(event)));
    boxes.addEventListener("pointerleave", () => this.show(view.current));
    boxes.addEventListener("focusin", (event) => this.select(event));
    boxes.addEventListener("keydown", (event) => this.press(event));
    parts.out.addEventListener("click", () => this.zoomOut(false));
    parts.whole.addEventListener("click", () => this.zoom(view.root, false));
    parts.input.addEventListener("input", () => this.search());
    parts.input.addEventListener("keydown", (event) => event.key === "Enter" && this.zoomToLargestHit());
    let width = 0;
    new ResizeObserver(() => {
      if (boxes.clientWidth !== width) this.draw();
      width = boxes.clientWidth;
    }).observe(boxes);
  }
}

export function icicle(place, data) {
  const picture = new Icicle(place, data);
  picture.listen();
  picture.draw();
}
