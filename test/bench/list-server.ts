// The peer of listing-memory.ts, in a process of its own: a registry whose repository `COUNT` has that many tags,
// made up page by page. Prints its port.
import { createServer } from "node:http";
import { parseRoute } from "@drayage/oci";

const largestPage = 1000;

const server = createServer(({ url = "" }, response) => {
  const route = parseRoute(url);
  if (route?.kind !== "tags") return void response.writeHead(404).end();
  const { name, n = largestPage, last } = route;
  const start = last === undefined ? 0 : Number(last.slice(1)) + 1;
  const end = Math.min(start + Math.min(n, largestPage), Number(name));
  const tags = Array.from({ length: end - start }, (_, index) => tagOf(start + index));
  const next = `</v2/${name}/tags/list?n=${n}&last=${tagOf(end - 1)}>; rel="next"`;
  const link = end < Number(name) ? { link: next } : {};
  return void response
    .writeHead(200, { "content-type": "application/json", ...link })
    .end(JSON.stringify({ name, tags }));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});

function tagOf(index: number): string {
  return `v${String(index).padStart(9, "0")}`;
}
