// The types as a table that sorts by any column and is filtered by typing.

import { element } from "./dom.js";
import { bytes, count, grouped, signed, signedBytes } from "./format.js";

const FORMATS = {
  type: (value) => value,
  objects: grouped,
  bytes,
  retained: bytes,
  growth: signed,
  bytes_growth: signedBytes,
  objects_before: grouped,
  bytes_before: bytes,
};
const STEP = 50;

export function types(place, table) {
  const { columns, headings: names, rows, omitted } = table;
  if (rows.length === 0) return;
  let sorted = columns.includes("retained") ? columns.indexOf("retained") : 1;
  let descending = true;
  let shown = STEP / 2;
  let filter = "";

  const input = element("input", { type: "search", id: "type-filter", placeholder: "Filter: part of a name", spellcheck: "false" });
  const status = element("p", { class: "hint", role: "status" });
  const body = element("tbody");
  const more = element("button", { type: "button" }, "Show more");
  const headings = names.map((name, at) => {
    const button = element("button", { type: "button", class: "sort" }, name);
    button.addEventListener("click", () => {
      descending = sorted === at ? !descending : at > 0;
      sorted = at;
      draw();
    });
    return element("th", { scope: "col", class: at > 0 ? "n" : null }, button);
  });
  const head = element("thead", {}, element("tr", {}, ...headings));
  const whole = element("table", {}, element("caption", {}, "Types"), head, body);
  const region = element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Types" }, whole);
  place.replaceChildren(
    element("p", { class: "tools" }, element("label", { for: "type-filter" }, "Filter"), input),
    region,
    element("p", { class: "tools" }, more),
    status,
  );
  input.addEventListener("input", () => {
    filter = input.value.toLowerCase();
    shown = STEP / 2;
    draw();
  });
  more.addEventListener("click", () => {
    shown += STEP;
    draw();
  });

  const compare = (a, b) => {
    const [left, right] = [a[sorted], b[sorted]];
    const order = typeof left === "string" ? (left < right ? -1 : left > right ? 1 : 0) : (left ?? -1) - (right ?? -1);
    return descending ? -order : order;
  };

  function draw() {
    const found = rows.filter((row) => row[0].toLowerCase().includes(filter)).sort(compare);
    headings.forEach((heading, at) => {
      if (at === sorted) heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    });
    body.replaceChildren(
      ...found.slice(0, shown).map((row) =>
        element(
          "tr",
          {},
          ...row.map((value, at) => element("td", { class: at > 0 ? "n" : "name" }, FORMATS[columns[at]](value))),
        ),
      ),
    );
    more.hidden = found.length <= shown;
    const all = omitted > 0 ? `, of ${grouped(rows.length + omitted)} in all` : "";
    status.textContent = `${grouped(Math.min(shown, found.length))} of ${count(found.length, "type", "types")} shown${all}`;
  }
  draw();
}
