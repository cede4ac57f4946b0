// The parts that the charts share: the time axis, the value axis, and the frame around them.

import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { tick } from "./format.js";

const EDGE = { left: 62, right: 16, top: 16, bottom: 34 };
export const SMALL = { width: 520, height: 230 };
export const WIDE = { width: 860, height: 280 };

// The positions of the snapshots along the axis, and its unit. Snapshots without usable times are at equal distances.
export function timeAxis(times) {
  const moments = times.map((time) => Date.parse(time ?? ""));
  const usable = moments.every((moment, at) => !Number.isNaN(moment) && (at === 0 || moment > moments[at - 1]));
  if (!usable) return { values: times.map((_, at) => at + 1), unit: "snapshot", whole: true };
  const seconds = moments.map((moment) => (moment - moments[0]) / 1000);
  const span = seconds[seconds.length - 1];
  const [divisor, unit] = span < 180 ? [1, "s"] : span < 3 * 3600 ? [60, "min"] : span < 3 * 86400 ? [3600, "h"] : [86400, "d"];
  return { values: seconds.map((second) => second / divisor), unit, whole: false };
}

// A drawing with both axes; `extent` is the smallest and the largest value.
export function frame(figure, size, axis, extent, isBytes, label) {
  const { width, height } = size;
  const { left, right, top, bottom } = EDGE;
  const x = scaleLinear([axis.values[0], axis.values[axis.values.length - 1]], [left, width - right]);
  const y = scaleLinear(extent, [height - bottom, top]).nice(4);
  const svg = select(figure)
    .insert("svg", "details")
    .attr("viewBox", `0 0 ${width} ${height}`)
    .attr("role", "img")
    .attr("aria-label", label);
  const lines = svg.append("g").attr("class", "axis");
  for (const value of y.ticks(4)) {
    if (!isBytes && !Number.isInteger(value)) continue;
    lines.append("line").attr("x1", left).attr("x2", width - right).attr("y1", y(value)).attr("y2", y(value));
    lines.append("text").attr("x", left - 8).attr("y", y(value) + 4).attr("text-anchor", "end").text(tick(value, isBytes));
  }
  const ticks = axis.whole ? axis.values : x.ticks(6);
  for (const value of ticks) {
    lines.append("text").attr("x", x(value)).attr("y", height - bottom + 18).attr("text-anchor", "middle").text(`${+value.toFixed(2)}`);
  }
  lines
    .append("text")
    .attr("class", "unit")
    .attr("x", width - right)
    .attr("y", height - 3)
    .attr("text-anchor", "end")
    .text(axis.whole ? "snapshot" : `${axis.unit} after the first snapshot`);
  return { svg, x, y, bottom: height - bottom };
}

// Folds the numbers below a chart, which shows them already.
export function fold(figure) {
  const details = figure.querySelector("details");
  if (details) details.open = false;
}
