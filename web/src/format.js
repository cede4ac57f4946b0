// Numbers for a person, with the same texts as in the other views (crates/report/src/numbers.rs).

const UNITS = ["kB", "MB", "GB", "TB", "PB", "EB"];

export function bytes(value) {
  if (value === null || value === undefined) return "?";
  const size = Math.abs(value);
  if (size < 1000) return `${value} B`;
  let scaled = size / 1000;
  let unit = 0;
  while (scaled >= 999.95 && unit + 1 < UNITS.length) {
    scaled /= 1000;
    unit += 1;
  }
  return `${value < 0 ? "-" : ""}${scaled.toFixed(1)} ${UNITS[unit]}`;
}

export function grouped(value) {
  if (value === null || value === undefined) return "?";
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

const sign = (value, text) => (value > 0 ? `+${text}` : text);

export const signed = (value) => sign(value, grouped(value));

export const signedBytes = (value) => sign(value, bytes(value));

export function percent(share) {
  const value = share * 100;
  if (value === 0) return "0 %";
  if (value < 0.05) return "< 0.1 %";
  return value < 0.95 ? `${value.toFixed(1)} %` : `${value.toFixed(0)} %`;
}

export const count = (value, one, many) => `${grouped(value)} ${value === 1 ? one : many}`;

// A number beside an axis, with no more digits than it needs.
export function tick(value, isBytes) {
  if (!isBytes) return grouped(value);
  return bytes(value).replace(/\.0 /, " ");
}
