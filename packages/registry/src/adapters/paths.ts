import type { HandlerOptions } from "../options.ts";
import { splitTarget } from "../http/received.ts";

/** Tells which targets of requests a registry answers, among those of an application. */
export function createPathFilter({ endpoints = {} }: HandlerOptions): (target: string) => boolean {
  return (target) => {
    const { path } = splitTarget(target);
    return path === "/v2" || path.startsWith("/v2/") || Object.hasOwn(endpoints, path);
  };
}
