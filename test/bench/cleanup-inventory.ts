// Requests, time and memory of planning a cleanup, against our registry with 20 ms added to every answer.
//
//   pnpm build && node test/bench/cleanup-inventory.ts [tags, 10000]
//
// Each tag has an index of five platforms, and one tag in twenty goes. The time is held against that of the requests
// themselves, eight at a time; on a busy machine, what as many bare requests take tells how busy it is. The figure for twice as many tags against that for the tags. The heap is as large as V8
// makes it, up to a limit that grows with the number of tags: it collects garbage when it has to, not when it could.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "./program.ts";
import { judge } from "./verdict.ts";

const [tags = 10_000] = process.argv.slice(2).map(Number);
const delay = 20;
const concurrency = 8;
const platforms = 5;
const pageSize = 1000;

interface Measured {
  readonly milliseconds: number;
  readonly requests: number;
}

const directory = await mkdtemp(join(tmpdir(), "cleanup-inventory-"));
try {
  const once = await measureAll(tags);
  const twice = await measureAll(2 * tags);
  judge("twice the tags, time", twice.milliseconds / once.milliseconds, { most: 2.2 });
} finally {
  await rm(directory, { recursive: true });
}

/** A first run, one that remembers it, and one that asks when the images were made. */
async function measureAll(count: number): Promise<Measured> {
  await using server = start("cleanup-server.ts", [count]);
  const host = `127.0.0.1:${await server.line()}`;
  const cache = join(directory, String(count));
  const going = Math.ceil(count / 20);
  const pages = Math.ceil(count / pageSize);
  const measure = async (name: string, args: readonly string[], most: number): Promise<Measured> => {
    await using subject = start("cleanup-subject.ts", [host, ...args], { flags: [heapLimit(count)] });
    const [milliseconds = 0, peak = 0] = numbersIn(await subject.line());
    server.tell();
    const asked = await server.line();
    const requests = Object.values(numbersOf(asked)).reduce((sum, number) => sum + number, 0);
    const least = (requests * delay) / concurrency;
    const bareTime = await measureBare(host, requests);
    server.tell();
    await server.line();
    console.log(
      `${count} tags, ${name}: ${requests} requests ${asked}, ${(milliseconds / 1000).toFixed(1)} s`,
    );
    judge(`${name}, requests / what they may be`, requests / most, { most: 1 });
    judge(`${name}, time / that of the requests`, milliseconds / least, { most: 1.5 });
    console.log(`${name}, time / that of bare requests ${(milliseconds / bareTime).toFixed(2)}`);
    judge(`${name}, memory in MiB`, peak, { most: 300 * Math.max(1, count / 10_000) });
    return { milliseconds, requests };
  };
  const referrers = count * (1 + platforms);
  const first = await measure("first run", ["names", cache], pages + count + referrers);
  await measure("second run", ["names", cache], pages + going * (1 + platforms));
  const images = going * platforms;
  await measure("asking when images were made", ["created"], pages + count + referrers + 2 * images);
  return first;
}

/** The milliseconds of as many requests, and nothing else. */
async function measureBare(host: string, requests: number): Promise<number> {
  await using bare = start("bare-requests.ts", [`http://${host}/v2/`, requests]);
  return Number(await bare.line());
}

function heapLimit(count: number): string {
  return `--max-old-space-size=${Math.ceil(144 * Math.max(1, count / 10_000))}`;
}

function numbersIn(text: string): readonly number[] {
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(Number) : [];
}

function numbersOf(text: string): Readonly<Record<string, number>> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, number]) => [key, Number(number)]))
    : {};
}
