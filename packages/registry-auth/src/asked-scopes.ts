import { isRepositoryName, mergeScopes, OciError, type Scope } from "@drayage/oci";

const scopeLimit = 64;
const repositoryActions = ["pull", "push", "delete"];

/**
 * What can be granted of what a client asks for, each thing once. What is unknown is left out, as the protocol has it,
 * and `*` of a repository is everything that can be done with it.
 *
 * @throws OciError LIMIT_EXCEEDED
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export function askedScopes(scopes: readonly Scope[]): readonly Scope[] {
  if (scopes.length > scopeLimit)
    throw new OciError("LIMIT_EXCEEDED", `more than ${scopeLimit} scopes at once`);
  return mergeScopes(scopes)
    .map(({ type, name, actions }) => ({ type, name, actions: knownActions(type, name, actions) }))
    .filter(({ actions }) => actions.length > 0);
}

function knownActions(type: string, name: string, actions: readonly string[]): readonly string[] {
  if (type === "registry" && name === "catalog") return actions.filter((action) => action === "*");
  if (type !== "repository" || !isRepositoryName(name)) return [];
  return actions.includes("*")
    ? repositoryActions
    : actions.filter((action) => repositoryActions.includes(action));
}
