import { createHandler, createRegistry, listen } from "@drayage/registry";
import { openS3Driver } from "@drayage/registry-s3";
import { parsePlace } from "./s3-process.ts";

/** A process that serves a bucket until it is killed, by a clock that may be fast, and says where. */
const [place = "", ahead = "0"] = process.argv.slice(2);
const driver = await openS3Driver(parsePlace(place));
const registry = createRegistry(driver, { now: () => Date.now() + Number(ahead) });
const { url } = await listen(createHandler(registry));
process.stdout.write(`${url}\n`);
