import { setFlagsFromString } from "node:v8";
import { main } from "./main.ts";

// Blobs pass in buffers that V8 frees when the young generation is collected. A young generation that does not
// grow is collected often: a copy of 4 GiB then peaks at 120 MiB, not 180, with a quarter less CPU time
// (test/bench/copy-memory.ts). https://nodejs.org/api/v8.html#v8setflagsfromstringflags
setFlagsFromString("--semi-space-growth-factor=1");

process.exitCode = await main(process);
