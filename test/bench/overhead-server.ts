// The peer of overhead.ts, in a process of its own: answers over bare sockets, so that it is never what is measured.
//
//   node overhead-server.ts MANIFEST_FILE BLOB_MEBIBYTES
//
// Prints its port. Manifests are one fixed document; a blob is one MiB of zeros, as often as asked for.
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";

const [file = "", mebibytes = "0"] = process.argv.slice(2);
const manifest = readFileSync(file);
const piece = new Uint8Array(1024 * 1024);
const manifestAnswer = Buffer.concat([
  head({ type: "application/vnd.oci.image.manifest.v1+json", length: manifest.byteLength }),
  manifest,
]);
const blobHead = head({ type: "application/octet-stream", length: Number(mebibytes) * piece.byteLength });

const server = createServer({ noDelay: true }, (socket) => {
  let unread = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (data: Buffer) => {
    unread += data.toString("latin1");
    for (let end = unread.indexOf("\r\n\r\n"); end >= 0; end = unread.indexOf("\r\n\r\n")) {
      answer(socket, unread.slice(0, end));
      unread = unread.slice(end + 4);
    }
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});

function answer(socket: Socket, request: string): void {
  if (request.includes("/manifests/")) socket.write(manifestAnswer);
  else sendBlob(socket);
}

function sendBlob(socket: Socket): void {
  let left = Number(mebibytes);
  socket.write(blobHead);
  const more = (): void => {
    while (left > 0) {
      left--;
      if (!socket.write(piece)) {
        socket.once("drain", more);
        return;
      }
    }
  };
  more();
}

function head({ type, length }: { readonly type: string; readonly length: number }): Buffer {
  const lines = [
    "HTTP/1.1 200 OK",
    `Content-Type: ${type}`,
    `Content-Length: ${length}`,
    "Docker-Distribution-Api-Version: registry/2.0",
    `Date: ${new Date().toUTCString()}`,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
}
