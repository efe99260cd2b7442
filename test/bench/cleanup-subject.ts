// What cleanup-inventory.ts measures, in a process of its own: plans for a repository by a policy, maybe with a cache.
// Prints the milliseconds, the largest resident set in MiB and how many tags go.
import { inventory, openManifestCache, parsePolicy, planCleanup } from "@drayage/cleanup";
import { createClient } from "@drayage/client";

const [host = "", asks = "names", cacheFile] = process.argv.slice(2);
const rule = asks === "created" ? { tags: "pr-*", olderThan: "30d" } : { tags: "pr-*" };
const policy = parsePolicy({
  ...(asks === "created" ? { time: "created" } : {}),
  rules: [{ name: "pull-requests", delete: rule }],
});

const client = createClient({ concurrency: 8 });
const now = Date.now();
const start = performance.now();
const cache = cacheFile === undefined ? undefined : await openManifestCache(cacheFile);
const state = await inventory(client.repository(`${host}/team/app`), { policy, now, cache, concurrency: 8 });
const plan = planCleanup(state, policy, { now });
const milliseconds = performance.now() - start;
await client.close();
if (plan.status !== "ok") throw new Error(`${plan.blockedBy.join(", ")}: ${JSON.stringify(state.problems)}`);
const going = plan.tags.filter(({ action }) => action === "delete").length;
console.log(JSON.stringify([milliseconds, process.resourceUsage().maxRSS / 1024, going]));
