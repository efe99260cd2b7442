import { OciError } from "../errors.ts";

/** Access to one resource of a registry, such as `repository:library/nginx:pull`. */
export interface Scope {
  /** `repository` or `registry`. */
  readonly type: string;
  /** For a repository its name, which may begin with a host and port. */
  readonly name: string;
  /** `pull`, `push`, `delete`, `*`, or what else a registry has. */
  readonly actions: readonly string[];
}

/**
 * The scope that `text` spells, `undefined` if it spells none: an unknown scope is not an error to either side.
 *
 * The name reaches from the first to the last colon, because it may hold a port. The class of a type,
 * as in `repository(plugin)`, is dropped, and so are actions that are no words.
 *
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 * @example parseScope("repository:library/nginx:pull,push") // { type: "repository", name: "library/nginx", actions: ["pull", "push"] }
 */
export function parseScope(text: string): Scope | undefined {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  if (first === last) return undefined;

  const type = withoutClass(text.slice(0, first));
  const name = text.slice(first + 1, last);
  if (!isType(type) || !isName(name)) return undefined;
  return {
    type,
    name,
    actions: text
      .slice(last + 1)
      .split(",")
      .filter(isAction),
  };
}

/** The scopes in a list separated by spaces, or in several such lists; what is not a scope is left out. */
export function parseScopes(text: string | readonly string[]): readonly Scope[] {
  const lists = typeof text === "string" ? [text] : text;
  return lists
    .flatMap((list) => list.split(" "))
    .map(parseScope)
    .filter((scope) => scope !== undefined);
}

/**
 * A scope as text, its actions sorted, so that equal scopes are equal texts.
 *
 * @throws OciError NAME_INVALID if a part holds what would make another scope of it.
 */
export function formatScope({ type, name, actions }: Scope): string {
  if (isType(type) && isName(name) && actions.every(isAction))
    return `${type}:${name}:${sortedActions(actions).join(",")}`;
  throw new OciError(
    "NAME_INVALID",
    `not a scope: type "${type}", name "${name}", actions "${actions.join()}"`,
  );
}

/** One scope per resource, in the order of first mention, because some registries honour only the first. */
export function mergeScopes(scopes: Iterable<Scope>): readonly Scope[] {
  const actionsOf = new Map<string, { readonly scope: Scope; readonly actions: Set<string> }>();
  for (const scope of scopes) {
    const key = `${scope.type}:${scope.name}`;
    const known = actionsOf.get(key) ?? { scope, actions: new Set<string>() };
    for (const action of scope.actions) known.actions.add(action);
    actionsOf.set(key, known);
  }
  return Array.from(actionsOf.values(), ({ scope: { type, name }, actions }) => ({
    type,
    name,
    actions: sortedActions([...actions]),
  }));
}

/** Whether what was `granted` includes every action of `needed`, on exactly that type and name. */
export function coversScope(granted: Iterable<Scope>, needed: Scope): boolean {
  const held = new Set<string>();
  for (const { type, name, actions } of granted) {
    if (type !== needed.type || name !== needed.name) continue;
    for (const action of actions) held.add(action);
  }
  return held.has("*") || needed.actions.every((action) => held.has(action));
}

/** Sorted and without repetitions; `*` stands for all others. */
function sortedActions(actions: readonly string[]): readonly string[] {
  return actions.includes("*") ? ["*"] : [...new Set(actions)].toSorted();
}

function withoutClass(type: string): string {
  const open = type.indexOf("(");
  return open > 0 && type.endsWith(")") ? type.slice(0, open) : type;
}

function isType(text: string): boolean {
  return /^[a-z0-9]+$/.test(text);
}

/** Names of repositories with or without a host, which may be an IPv6 address. */
function isName(text: string): boolean {
  return /^[A-Za-z0-9._/:[\]*-]+$/.test(text);
}

function isAction(text: string): boolean {
  return text === "*" || /^[A-Za-z0-9_.-]+$/.test(text);
}
