// The parts of resident memory: stacked areas over time, or one bar for a single heap.

import { area, line, stack, stackOrderNone } from "d3-shape";
import { scaleLinear } from "d3-scale";
import { WIDE, fold, frame, timeAxis } from "./axes.js";
import { element } from "./dom.js";
import { bytes, percent } from "./format.js";

const PARTS = [
  ["python", "Python objects"],
  ["pymalloc_free", "Free, held by pymalloc"],
  ["malloc_free", "Free, held by malloc"],
  ["native_known", "Buffers and stacks"],
  ["file_backed", "Files: program and libraries"],
  ["unexplained", "Unexplained"],
];

export function memory(figure, data) {
  const { times, parts } = data.memory[Number(figure.dataset.index)] ?? {};
  if (!times || times.length === 0) return;
  // Unknown and negative parts are not drawn: the table below has the numbers.
  const rows = times.map((_, at) => Object.fromEntries(PARTS.map(([key]) => [key, Math.max(0, parts[key][at] ?? 0)])));
  const shown = PARTS.filter(([key]) => rows.some((row) => row[key] > 0));
  const layers = stack().keys(shown.map(([key]) => key)).order(stackOrderNone)(rows);
  const legend = element("ul", { class: "legend" });
  const values = new Map();
  for (const [key, name] of [...shown].reverse()) {
    const value = element("span", { class: "n" });
    values.set(key, value);
    legend.append(element("li", {}, element("span", { class: `swatch part-${key}` }), `${name} `, value));
  }
  const total = element("li", { class: "total" }, "Resident memory ", element("span", { class: "n" }));
  legend.prepend(total);
  const showValues = (at) => {
    for (const [key, value] of values) {
      const size = parts[key][at];
      const rss = parts.rss[at];
      value.textContent = bytes(size) + (size !== null && rss ? ` (${percent(Math.max(0, size) / rss)})` : "");
    }
    const after = times.length > 1 ? `, snapshot ${at + 1} of ${times.length}` : "";
    total.lastChild.textContent = bytes(parts.rss[at]) + after;
  };
  const tops = layers.length === 0 ? [0] : layers[layers.length - 1].map((one) => one[1]);
  const most = Math.max(1, ...tops, ...parts.rss.map((rss) => rss ?? 0));
  if (times.length === 1) bar(figure, layers, shown, most);
  else areas(figure, layers, shown, times, parts, most, showValues);
  figure.insertBefore(legend, figure.querySelector("details"));
  showValues(times.length - 1);
  fold(figure);
}

function bar(figure, layers, shown, most) {
  const x = scaleLinear([0, most], [0, 100]);
  const row = element("div", { class: "stacked", role: "img", "aria-label": "The parts of resident memory as a bar" });
  layers.forEach((layer, at) => {
    const [from, to] = layer[0];
    const piece = element("span", { class: `part-${shown[at][0]}`, title: `${shown[at][1]}: ${bytes(to - from)}` });
    piece.style.width = `${x(to) - x(from)}%`;
    row.append(piece);
  });
  figure.insertBefore(row, figure.querySelector("details"));
}

function areas(figure, layers, shown, times, parts, most, showValues) {
  const axis = timeAxis(times);
  const names = shown.map(([, name]) => name).join(", ");
  const { svg, x, y, bottom } = frame(figure, WIDE, axis, [0, most], true, `Resident memory over time: ${names}.`);
  const shape = area().x((_, at) => x(axis.values[at])).y0((one) => y(one[0])).y1((one) => y(one[1]));
  layers.forEach((layer, at) => {
    svg.append("path").attr("class", `part-${shown[at][0]}`).attr("d", shape(layer)).append("title").text(shown[at][1]);
  });
  const rss = line().defined((one) => one !== null).x((_, at) => x(axis.values[at])).y((one) => y(one));
  svg.append("path").attr("class", "rss-line").attr("d", rss(parts.rss));
  const guide = svg.append("line").attr("class", "guide").attr("y1", y(most)).attr("y2", bottom).attr("visibility", "hidden");
  const at = (event) => {
    const box = svg.node().getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * svg.node().viewBox.baseVal.width;
    const distances = axis.values.map((value) => Math.abs(x(value) - place));
    return distances.indexOf(Math.min(...distances));
  };
  svg.on("pointermove", (event) => {
    const nearest = at(event);
    const place = x(axis.values[nearest]);
    guide.attr("x1", place).attr("x2", place).attr("visibility", "visible");
    showValues(nearest);
  });
  svg.on("pointerleave", () => {
    guide.attr("visibility", "hidden");
    showValues(times.length - 1);
  });
}
