import type { Quirks } from "@drayage/oci";
import type { ScriptedContent } from "../content.ts";
import type { ScriptedAnswer, ScriptedRequest } from "../exchange.ts";
import { routeOf, type Route } from "../route.ts";

/** A request to a registry with quirks. */
export interface Call {
  readonly request: ScriptedRequest;
  readonly route: Route;
  readonly content: ScriptedContent;
  readonly quirks: Quirks;
  /** The registry's own origin, and that of its object store: `http://name:port`. */
  readonly self: string;
  readonly storage: string;
}

/** How a registry differs: in what it takes a request for, what it refuses, and what it makes of its answer. */
export interface Deviation {
  readonly hear?: (call: Call) => ScriptedRequest;
  readonly refuse?: (call: Call) => ScriptedAnswer | undefined;
  readonly tell?: (answer: ScriptedAnswer, call: Call) => ScriptedAnswer;
}

/** All of `deviations`, one after the other. */
export function combined(deviations: readonly Deviation[]): Required<Deviation> {
  return {
    hear: (call) =>
      deviations.reduce((heard, { hear }) => hear?.(withRequest(call, heard)) ?? heard, call.request),
    refuse(call) {
      for (const { refuse } of deviations) {
        const refusal = refuse?.(call);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
    tell: (answer, call) => deviations.reduce((told, { tell }) => tell?.(told, call) ?? told, answer),
  };
}

export function withRequest(call: Call, request: ScriptedRequest): Call {
  return { ...call, request, route: routeOf(request.url.pathname) };
}

/** The same request with other query parameters; `undefined` takes one away. */
export function withQuery(
  request: ScriptedRequest,
  changes: Readonly<Record<string, string | undefined>>,
): ScriptedRequest {
  const url = new URL(request.url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return { ...request, url };
}

/** The same answer with other headers; `undefined` takes one away. */
export function withHeaders(
  answer: ScriptedAnswer,
  changes: Readonly<Record<string, string | undefined>>,
): ScriptedAnswer {
  const headers: Record<string, string | readonly string[]> = { ...answer.headers };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return { ...answer, headers };
}

/** A header that is there once at the most. */
export function headerIn({ headers }: ScriptedAnswer, name: string): string | undefined {
  const value = headers?.[name];
  return typeof value === "string" ? value : undefined;
}
