// The growth of a suspect: the items or bytes that it held after each snapshot.

import { area, line } from "d3-shape";
import { SMALL, fold, frame, timeAxis } from "./axes.js";
import { bytes, grouped, signed, signedBytes } from "./format.js";

export function growth(figure, data) {
  const { list, index, series } = figure.dataset;
  const suspect = data.answer[list]?.[Number(index)];
  const times = data.memory[Number(series)]?.times;
  if (!suspect || !times) return;
  const byItems = suspect.count !== null;
  const changes = byItems ? suspect.growth : suspect.bytes_growth;
  if (changes.length === 0 || times.length !== changes.length + 1) return;
  let held = byItems ? suspect.count - changes.reduce((sum, change) => sum + change, 0) : 0;
  const values = [held, ...changes.map((change) => (held += change))];
  const format = byItems ? grouped : signedBytes;
  const last = values[values.length - 1];
  const label = `From ${format(values[0])} to ${format(last)} over ${values.length} snapshots.`;
  const axis = timeAxis(times);
  const extent = [Math.min(0, ...values), Math.max(1, ...values)];
  const { svg, x, y } = frame(figure, SMALL, axis, extent, !byItems, label);
  const points = values.map((value, at) => [x(axis.values[at]), y(value)]);
  svg.append("path").attr("class", "growth-area").attr("d", area().x((point) => point[0]).y0(y(0)).y1((point) => point[1])(points));
  svg.append("path").attr("class", "growth-line").attr("d", line()(points));
  points.forEach(([cx, cy], at) => {
    const dot = svg.append("circle").attr("class", "growth-dot").attr("cx", cx).attr("cy", cy).attr("r", 4);
    const change = at === 0 ? "" : ` (${byItems ? signed(changes[at - 1]) : signedBytes(changes[at - 1])})`;
    dot.append("title").text(`${byItems ? grouped(values[at]) : bytes(values[at])}${change}`);
  });
  const ends = [[0, "start"], [points.length - 1, "end"]];
  for (const [at, anchor] of ends) {
    const above = points[at][1] > 34 ? -10 : 20;
    svg
      .append("text")
      .attr("class", "value")
      .attr("x", points[at][0])
      .attr("y", points[at][1] + above)
      .attr("text-anchor", anchor)
      .text(format(values[at]));
  }
  fold(figure);
}
