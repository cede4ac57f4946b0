// The places of the retained tree as a hierarchy, with the share of the width that each has. The roots are grouped by the
// origin of their code; the places that are folded below a place are a place of their own.

import { hierarchy, partition } from "d3-hierarchy";
import { count } from "./format.js";

const ORIGINS = ["other", "own", "package", "standard"];
export const GROUPS = [
  ["own", "your code"],
  ["package", "packages"],
  ["standard", "standard library"],
  ["other", "frames, interpreter, others"],
];

function folded({ places, retained }) {
  return { label: count(places, "smaller place", "smaller places"), folded: true, self: retained, below: [] };
}

// The groups of roots by origin, with all places below them.
function groups(data) {
  const of = Object.fromEntries(
    GROUPS.map(([origin, label]) => [origin, { label, origin, group: true, roots: 0, self: 0, below: [], path: label }]),
  );
  const places = [];
  for (const [parent, label, type, objects, shallow, , flags, hidden, hiddenBytes, path] of data.places) {
    const above = parent === null ? of[ORIGINS[flags >> 2]] : places[parent];
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
  return Object.values(of).filter((group) => group.roots > 0);
}

export function placeTree(data) {
  const top = { label: "all reachable objects", type: "", objects: data.objects, self: 0, below: groups(data), path: "" };
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

// The places whose label or type contains a text, or whose path ends with it.
export function search(nodes, text) {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return null;
  const found = ({ data }) =>
    !data.folded &&
    !data.group &&
    (data.label.toLowerCase().includes(wanted) ||
      (data.type ?? "").toLowerCase().includes(wanted) ||
      data.path.toLowerCase().endsWith(wanted));
  return new Set(nodes.filter(found));
}

// The retained size of places together. The size of a place includes the places below it.
export function retained(hits) {
  const within = (node) => node.ancestors().slice(1).some((up) => hits.has(up));
  return [...hits].filter((node) => !within(node)).reduce((sum, node) => sum + node.value, 0);
}
