import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer } from "./authenticate.ts";

/** The other end of a connection, with the certificate that it has been let in by, if any. */
export function peerOf(socket: Socket): Peer {
  const isTrusted = socket instanceof TLSSocket && socket.authorized;
  return {
    address: socket.remoteAddress,
    certificate: isTrusted ? socket.getPeerX509Certificate() : undefined,
  };
}
