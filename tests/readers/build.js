// Bundles devtools.js with the sources of DevTools for node: `node build.js NODE_MODULES OUT`.

import {createRequire} from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const [, , modules, out] = process.argv;
const {build} = createRequire(path.resolve(modules, '_'))('esbuild');
const frontEnd = path.resolve(modules, 'chrome-devtools-frontend', 'front_end');

// A file that Chromium's own build generates, and what older versions of node have not.
const locales = `export const LOCALES = ['en-US'], BUNDLED_LOCALES = ['en-US'], DEFAULT_LOCALE = 'en-US',
  REMOTE_FETCH_PATTERN = '', LOCAL_FETCH_PATTERN = '';`;
const withResolvers = `Promise.withResolvers ??= function() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, {resolve, reject}));
  return made;
};`;

await build({
  entryPoints: [path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'devtools.js')],
  outfile: `${out}.part`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
  tsconfigRaw: '{}',
  alias: {front_end: frontEnd},
  banner: {js: withResolvers},
  plugins: [{
    name: 'generated',
    setup(build) {
      build.onResolve({filter: /^\.\/locales\.js$/}, () => ({path: 'locales', namespace: 'generated'}));
      build.onLoad({filter: /.*/, namespace: 'generated'}, () => ({contents: locales}));
    },
  }],
});
fs.renameSync(`${out}.part`, out);
