import type { Route, Scope } from "@drayage/oci";
import type { Operation } from "../http/exchange.ts";

/** What one must be allowed to do for a request. */
export interface Needs {
  /** All of it, or the request is refused. */
  readonly required: readonly Scope[];
  /** What the request uses if it may and does without if not. */
  readonly wanted: readonly Scope[];
  /** Rights that tokens have no word for, so that only `authorize` knows of them. */
  readonly unspoken: readonly Scope[];
  /** Answers depend on who asks, so that everybody shows that first: clients begin here to learn what to show. */
  readonly needsProof: boolean;
}

/** What the route table says that `operation` needs at `route`. */
export function needsOf(route: Route, { access, source, movesTags = false }: Operation): Needs {
  if (!("name" in route)) {
    const required = route.kind === "catalog" ? [catalogScope] : [];
    return { required, wanted: [], unspoken: [], needsProof: true };
  }
  const { name } = route;
  return {
    required: [repositoryScope(name, access)],
    wanted: source === undefined ? [] : [repositoryScope(source, ["pull"])],
    unspoken: movesTags ? [repositoryScope(name, ["overwrite"])] : [],
    needsProof: false,
  };
}

export const catalogScope: Scope = { type: "registry", name: "catalog", actions: ["*"] };

export function repositoryScope(name: string, actions: readonly string[]): Scope {
  return { type: "repository", name, actions };
}
