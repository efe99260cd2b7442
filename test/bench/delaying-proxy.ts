// Ways to registries on which every request takes longer by as much.
//
//   node delaying-proxy.ts <milliseconds> <host:port>...
//
// Prints where each registry can be reached, in the order given. Bytes wait on their way to the registry and not on
// the way back, like on a line of that round trip; a connection costs nothing besides.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

const [milliseconds = "0", ...hosts] = process.argv.slice(2);
const delay = Number(milliseconds);

for (const host of hosts) {
  const [name = "", port = ""] = host.split(":");
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    carry(near, connect({ host: name, port: Number(port), noDelay: true, allowHalfOpen: true }));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`);
}

function carry(near: Socket, far: Socket): void {
  near.on("data", (bytes) => setTimeout(() => far.write(bytes), delay));
  near.on("end", () => setTimeout(() => far.end(), delay));
  far.pipe(near);
  near.on("error", () => far.destroy()).on("close", () => setTimeout(() => far.destroy(), delay));
  far.on("error", () => near.destroy());
}
