#!/usr/bin/env node
// Plain JavaScript, and no import before the check: any Node must be able to say that it is too old.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`drayage: needs Node.js 22.19 or later, and this is ${process.versions.node}\n`);
  process.exit(1);
}
// `serve` waits for the disk in several requests at once, and each wait takes one of these; Node reads it when first used.
process.env.UV_THREADPOOL_SIZE ??= "16";
const { enableCompileCache } = await import("node:module");
enableCompileCache();
await import("../bundle/bin.js");
