import type { Duplex } from "node:stream";
import { formatErrorBody } from "@drayage/oci";

/** Answers what is not HTTP, or has headers too large, in our own words. */
export function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, message] = refusalOf(error.code);
  const body = formatErrorBody([{ code: "UNSUPPORTED", message }]);
  socket.end(
    [
      `HTTP/1.1 ${status}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

function refusalOf(code: string | undefined): readonly [status: string, message: string] {
  if (code === "HPE_HEADER_OVERFLOW")
    return ["431 Request Header Fields Too Large", "the headers are too large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return ["408 Request Timeout", "the headers took too long"];
  return ["400 Bad Request", "this is not HTTP"];
}
