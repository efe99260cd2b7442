import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, type Registry } from "@drayage/oci";
import { createHandler } from "../handler.ts";
import type { HandlerOptions } from "../options.ts";

/** What a registry needs of a Fastify instance. */
export interface FastifyInstance {
  readonly prefix: string;
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    contentType: string,
    parser: (request: unknown, payload: unknown, done: (error: Error | null) => void) => void,
  ): unknown;
  route(route: {
    method: string[];
    url: string;
    exposeHeadRoute: boolean;
    handler: (request: { raw: IncomingMessage }, reply: FastifyReply) => void;
  }): unknown;
}

interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

export type FastifyPlugin = (instance: FastifyInstance) => Promise<void>;

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * The distribution-spec over `registry` as a Fastify plugin, which reads no bodies for other routes.
 *
 * @throws OciError OPTION_INVALID when it is registered under a prefix: `/v2/` has to stay where it is
 * @see https://fastify.dev/docs/latest/Reference/Plugins/
 * @example
 * const app = Fastify();
 * await app.register(createFastifyPlugin(createRegistry(createMemoryDriver())));
 */
export function createFastifyPlugin(registry: Registry, options: HandlerOptions = {}): FastifyPlugin {
  const handler = createHandler(registry, options);
  const paths = ["/v2", "/v2/*", ...Object.keys(options.endpoints ?? {})];
  return async (instance) => {
    if (instance.prefix !== "") throw new OciError("OPTION_INVALID", "a registry has no prefix before /v2/");
    // Bodies are left unread: they are the handler's.
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser("*", (_request, _payload, done) => done(null));
    for (const url of paths) {
      instance.route({
        method: [...methods],
        url,
        exposeHeadRoute: false,
        handler: ({ raw }, reply) => {
          reply.hijack();
          handler(raw, reply.raw);
        },
      });
    }
  };
}
