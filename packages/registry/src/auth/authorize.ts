import { coversScope, type Scope } from "@drayage/oci";
import { hasProof, parseScopeList, type Identity } from "./identity.ts";

export interface AuthorizationRequest {
  readonly identity: Identity;
  /**
   * What it wants to do, several things at once: `pull`, `push` and `delete` of a `repository`, and `*` of the
   * `registry` called `catalog`. `overwrite` of a repository is the right to move a tag that exists; it is asked
   * for together with `push`.
   */
  readonly scopes: readonly Scope[];
  readonly signal: AbortSignal;
}

/**
 * Those of the scopes, and of their actions, that are allowed.
 *
 * Anything but a list of scopes allows nothing, so that neither `true` nor a forgotten `return` opens a registry.
 *
 * @example const authorize: Authorize = ({ identity, scopes }) => (identity.subject === "ci" ? scopes : []);
 */
export type Authorize = (request: AuthorizationRequest) => readonly Scope[] | Promise<readonly Scope[]>;

/** Allows everything to who has proven who it is, within what the proof is good for, and nothing to others. */
export const allowKnown: Authorize = ({ identity, scopes }) => (hasProof(identity) ? scopes : []);

/** What a callback allowed of `asked`, never more; `undefined` if it gave no list of scopes. */
export function parseAllowed(answer: unknown, asked: readonly Scope[]): readonly Scope[] | undefined {
  const allowed = parseScopeList(answer);
  return allowed && restrictScopes(asked, allowed);
}

/** Those of `scopes`, and of their actions, that are in `allowed`. */
export function restrictScopes(scopes: readonly Scope[], allowed: readonly Scope[]): readonly Scope[] {
  const byResource = Map.groupBy(allowed, resourceOf);
  return scopes
    .map((scope) => {
      const granted = byResource.get(resourceOf(scope)) ?? [];
      const actions = scope.actions.filter((action) => coversScope(granted, { ...scope, actions: [action] }));
      return { ...scope, actions };
    })
    .filter(({ actions }) => actions.length > 0);
}

function resourceOf({ type, name }: Scope): string {
  return `${type}:${name}`;
}
