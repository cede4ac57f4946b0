// Reads a .heapsnapshot with the loader and the worker of Chromium's DevTools, and says what they found as JSON.
//
// node devtools.mjs FILE [HOW_MANY]: the nodes that retain most, the classes, and what the loader complained about.

import fs from 'node:fs';
import {HeapSnapshotLoader} from 'front_end/entrypoints/heap_snapshot_worker/HeapSnapshotLoader.js';
import {SecondaryInitManager} from 'front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.js';

const [, , file, many = '100'] = process.argv;
const said = [];
const loader = new HeapSnapshotLoader({sendEvent: (name, data) => said.push(String(data))});
const decoder = new TextDecoder();
for await (const chunk of fs.createReadStream(file, {highWaterMark: 1 << 20})) {
  loader.write(decoder.decode(chunk, {stream: true}));
}
loader.close();
const {port1, port2} = new MessageChannel();
new SecondaryInitManager(port2);
const snapshot = await loader.buildSnapshot(port1);

const node = snapshot.rootNode();
const at = ordinal => {
  node.nodeIndex = ordinal * snapshot.nodeFieldCount;
  return node;
};
const places = Array.from({length: snapshot.nodeCount}, (_, place) => place);
places.sort((a, b) => snapshot.retainedSizes[b] - snapshot.retainedSizes[a]);
const top = places.slice(0, Number(many)).map(place => ({
  class: at(place).className(),
  type: node.type(),
  id: node.id(),
  bytes: node.selfSize(),
  retained: node.retainedSize(),
  distance: node.distance(),
}));
const aggregates = Object.values(snapshot.aggregatesWithFilter({}));
const classes = aggregates.map(one => ({class: one.name, count: one.count, bytes: one.self, retained: one.maxRet}));
const problems = said.filter(text => /unreachable|weak retainers|error/i.test(text));
process.stdout.write(
    JSON.stringify({nodes: snapshot.nodeCount, bytes: snapshot.totalSize, top, classes, problems}) + '\n',
    () => process.exit(0));
