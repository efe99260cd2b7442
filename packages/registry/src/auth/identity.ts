import { ownValue, parseObject, type JsonObject, type Scope } from "@drayage/oci";

/** Who sends a request. */
export interface Identity {
  /** The name by which rules know it; absent for nobody in particular. */
  readonly subject?: string | undefined;
  /** What else rules may know it by. */
  readonly groups?: readonly string[] | undefined;
  /** All that its proof is good for, where the proof itself says so, as a token does. */
  readonly granted?: readonly Scope[] | undefined;
}

/** Nobody in particular. */
export const anybody: Identity = {};

/** Whether the identity has shown anything at all; a token that everybody is given counts. */
export function hasProof({ subject, granted }: Identity): boolean {
  return subject !== undefined || granted !== undefined;
}

/**
 * What a callback said who it is; `undefined` if that is no identity, whatever its type claims. An empty subject
 * is none.
 */
export function parseIdentity(value: unknown): Identity | undefined {
  const object = parseObject(value);
  if (object === undefined) return undefined;
  const subject = ownValue(object, "subject");
  const groups = parseTexts(ownValue(object, "groups"));
  const granted = parseGranted(object);
  const isNamed = subject === undefined || (typeof subject === "string" && subject !== "");
  if (!isNamed || groups === undefined || granted === "malformed") return undefined;
  return { ...(subject === undefined ? {} : { subject }), groups, granted };
}

function parseGranted(object: JsonObject): readonly Scope[] | undefined | "malformed" {
  const value = ownValue(object, "granted");
  return value === undefined ? undefined : (parseScopeList(value) ?? "malformed");
}

/** The scopes that a callback or a token lists; `undefined` if one of them is none. */
export function parseScopeList(value: unknown): readonly Scope[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const scopes = value.map(parseScopeObject);
  const valid = scopes.filter((scope) => scope !== undefined);
  return valid.length === scopes.length ? valid : undefined;
}

function parseScopeObject(value: unknown): Scope | undefined {
  const object = parseObject(value);
  const [type, name] = [object?.["type"], object?.["name"]];
  const actions = parseTexts(object?.["actions"] ?? []);
  if (typeof type !== "string" || typeof name !== "string" || actions === undefined) return undefined;
  return { type, name, actions };
}

function parseTexts(value: unknown = []): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((entry) => typeof entry === "string");
  return texts.length === value.length ? texts : undefined;
}
