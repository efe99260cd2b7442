import { headOf, jsonReply, type Operations } from "./exchange.ts";

/** `GET /v2/`: that the distribution-spec is spoken here. */
export function baseOperations(): Operations {
  const reply = jsonReply(200, "{}");
  return {
    GET: { access: [], answer: async () => reply },
    HEAD: { access: [], answer: async () => headOf(reply) },
  };
}
