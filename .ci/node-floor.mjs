// Says so in one sentence where scripts run on a Node that is too old: on platforms for which none is pinned.
import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const floor = manifest.engines.node.replace(">=", "");

if (isOlder(process.versions.node, floor)) {
  console.error(
    `Drayage needs Node ${floor} or newer to be built and tested; this is ${process.versions.node}.`,
  );
  process.exitCode = 1;
}

function isOlder(version, other) {
  const [ours, theirs] = [version, other].map((text) => text.split(".").map(Number));
  const place = ours.findIndex((number, index) => number !== theirs[index]);
  return place !== -1 && ours[place] < theirs[place];
}
