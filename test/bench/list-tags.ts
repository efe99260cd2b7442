// A subject of listing-memory.ts: lists the tags of HOST/COUNT.
import { createClient } from "@drayage/client";

const [repository = ""] = process.argv.slice(2);
const client = createClient({ limits: { items: Infinity, pages: Infinity } });
let count = 0;
for await (const _tag of client.repository(repository).listTags()) count++;
await client.close();
if (!repository.endsWith(`/${count}`)) throw new Error(`${count} tags`);
