// Builds the script and the style of the page: bundled and minified, with the licences of the packages in them, and the
// content security policy with the digests of both. Equal sources give equal bytes; `--check` compares the committed
// files with a new build.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "crates", "report", "src", "html");
const most = 150_000;

async function bundle(entry) {
  const made = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    charset: "utf8",
    format: "iife",
    legalComments: "none",
    metafile: true,
    target: ["es2020", "chrome100", "firefox100", "safari15"],
    write: false,
  });
  return { text: made.outputFiles[0].text, inputs: Object.keys(made.metafile.inputs) };
}

// Each licence once, with its packages.
function licences(inputs) {
  const packages = new Set(inputs.map((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]));
  packages.delete(undefined);
  const of = new Map();
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const text = readFileSync(join(folder, "LICENSE"), "utf8").trim().replaceAll("\r\n", "\n");
    of.set(text, [...(of.get(text) ?? []), `${name} ${version}`]);
  }
  return [...of].map(([text, names]) => `${names.join(", ")}:\n${text}`).join("\n\n");
}

const script = await bundle("src/main.js");
const style = await bundle("src/page.css");
const notice = licences(script.inputs);
if (notice.includes("*/")) throw new Error("a licence would end the comment that it is in");
const files = {
  "page.js": `/*! Made by \`make web\` from web/. It has in it:\n\n${notice}\n*/\n${script.text}`,
  "page.css": style.text,
};
for (const [name, text] of Object.entries(files)) {
  if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${name} would end the element that it is in`);
}
const digest = (text) => `'sha256-${createHash("sha256").update(text, "utf8").digest("base64")}'`;
files["page.csp"] =
  `default-src 'none'; script-src ${digest(files["page.js"])}; style-src ${digest(files["page.css"])}; ` +
  "base-uri 'none'; form-action 'none'\n";

const size = Object.values(files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
if (size > most) throw new Error(`${size} bytes are more than ${most}`);
for (const [name, text] of Object.entries(files)) {
  const path = join(target, name);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`${name} is not what web/ gives: run \`make web\``);
    process.exitCode = 1;
  }
}
console.log(`page.js, page.css, page.csp: ${size} bytes`);
