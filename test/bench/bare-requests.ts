// What cleanup-inventory.ts is held against on a busy machine: so many requests, eight at a time, and nothing else.
// Prints the milliseconds.
const [url = "", count = "0"] = process.argv.slice(2);

const start = performance.now();
let left = Number(count);
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (left-- > 0) await ask();
  }),
);
console.log(performance.now() - start);

/** A busy server closes connections that it takes for idle, just when they are used again. */
async function ask(): Promise<void> {
  const response = await fetch(url).catch(() => fetch(url));
  await response.arrayBuffer();
}
