// Bytes gained and lost by type, as bars to both sides.

import { scaleLinear } from "d3-scale";
import { element } from "./dom.js";
import { signed, signedBytes } from "./format.js";

const SHOWN = 14;

export function changes(figure, data) {
  const rows = data.types.rows.slice(0, SHOWN);
  const most = Math.max(1, ...rows.map((row) => Math.abs(row[1])));
  const losses = rows.some((row) => row[1] < 0);
  const x = scaleLinear([losses ? -most : 0, most], [0, 100]);
  const list = element("ul", { class: losses ? "bars both" : "bars" });
  for (const [name, grown, objects] of rows) {
    const piece = element("span", { class: grown < 0 ? "lost" : "gained" });
    piece.style.marginLeft = `${x(Math.min(0, grown))}%`;
    piece.style.width = `${Math.max(0.3, x(Math.max(0, grown)) - x(Math.min(0, grown)))}%`;
    list.append(
      element(
        "li",
        {},
        element("code", { title: name }, name),
        element("span", { class: "track" }, piece),
        element("span", { class: "n" }, `${signedBytes(grown)}, ${signed(objects)} objects`),
      ),
    );
  }
  figure.append(list);
}
