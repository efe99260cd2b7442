import type { IncomingMessage, ServerResponse } from "node:http";
import { OciError, type Registry } from "@drayage/oci";
import { createHandler } from "../handler.ts";
import type { HandlerOptions } from "../options.ts";
import { createPathFilter } from "./paths.ts";

/** What a registry needs of Express: versions 4 and 5 have it, and so do others that are made like it. */
export type ExpressMiddleware = (
  request: IncomingMessage & { readonly originalUrl: string },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * The distribution-spec over `registry` for an Express application, which keeps all other paths.
 *
 * It comes before whatever reads bodies. Node's own limit of five minutes for a request applies unless the server's
 * `requestTimeout` is 0.
 *
 * @see https://expressjs.com/en/guide/using-middleware.html
 * @example
 * const app = express();
 * app.use(createExpressMiddleware(createRegistry(createMemoryDriver())));
 */
export function createExpressMiddleware(registry: Registry, options: HandlerOptions = {}): ExpressMiddleware {
  const handler = createHandler(registry, options);
  const isOurs = createPathFilter(options);
  return (request, response, next) => {
    const { originalUrl } = request;
    if (!isOurs(originalUrl)) return next();
    if (hasLostBody(request)) return next(bodyLost());
    request.url = originalUrl; // without the path that it may be mounted at, which Express takes off
    handler(request, response);
  };
}

/** Whether somebody before us has read a body. */
function hasLostBody({ readableDidRead, headers }: IncomingMessage): boolean {
  const { "content-length": length = "0", "transfer-encoding": coding } = headers;
  return readableDidRead && (coding !== undefined || length !== "0");
}

function bodyLost(): OciError {
  return new OciError(
    "OPTION_INVALID",
    "the body of a request has been read before it reached the registry",
    {
      hint: "app.use() the registry before express.json() and the like",
    },
  );
}
