import { OciError, ownValue, parseObject, type JsonObject, type Scope } from "@drayage/oci";
import type { Authorize } from "./authorize.ts";
import { parseGlob, type Glob } from "./glob.ts";
import type { Identity } from "./identity.ts";

/** What a rule can allow; `overwrite` is to move a tag that exists. */
export type PolicyAction = "pull" | "push" | "delete" | "overwrite";

/** Allows somebody something. Who is asked for in several ways needs to fit one of them. */
export interface PolicyRule {
  /** Patterns of names: `*` stands for any characters but `/`, `**` for any at all. */
  readonly repositories: readonly string[];
  readonly actions: readonly PolicyAction[];
  /** Patterns of subjects. */
  readonly subjects?: readonly string[] | undefined;
  /** Patterns of groups. */
  readonly groups?: readonly string[] | undefined;
  /** Everybody, whether or not they say who they are. */
  readonly everybody?: boolean | undefined;
}

/** Who may do what; what no rule allows is forbidden. */
export interface Policy {
  readonly rules: readonly PolicyRule[];
}

const policyActions: readonly PolicyAction[] = ["pull", "push", "delete", "overwrite"];
const ruleKeys = ["repositories", "actions", "subjects", "groups", "everybody"];
const ruleLimit = 10_000;

/**
 * A policy from parsed JSON.
 *
 * @throws OciError OPTION_INVALID that names the rule and what is wrong with it
 * @example parsePolicy({ rules: [{ repositories: ["public/**"], actions: ["pull"], everybody: true }] })
 */
export function parsePolicy(value: unknown): Policy {
  const object = parseObject(value);
  const rules = object && ownValue(object, "rules");
  if (object === undefined || !Array.isArray(rules)) throw invalid("policy", "needs a list of rules");
  requireKeys(object, ["rules"], "policy");
  if (rules.length > ruleLimit) throw invalid("policy", `has more than ${ruleLimit} rules`);
  return { rules: rules.map((rule, index) => parseRule(rule, `rule ${index + 1}`)) };
}

function parseRule(value: unknown, where: string): PolicyRule {
  const object = parseObject(value);
  if (object === undefined) throw invalid(where, "is not an object");
  requireKeys(object, ruleKeys, where);
  const everybody = ownValue(object, "everybody");
  if (everybody !== undefined && typeof everybody !== "boolean") {
    throw invalid(where, "has an everybody that is neither true nor false");
  }
  const rule = {
    repositories: parsePatterns(object, "repositories", where) ?? [],
    actions: parseActions(object, where),
    subjects: parsePatterns(object, "subjects", where),
    groups: parsePatterns(object, "groups", where),
    everybody,
  };
  if (rule.repositories.length === 0) throw invalid(where, "names no repositories");
  const namesSomebody = everybody === true || [rule.subjects, rule.groups].some((list) => list !== undefined);
  if (!namesSomebody) throw invalid(where, "names nobody: subjects, groups or everybody");
  return rule;
}

function parseActions(object: JsonObject, where: string): readonly PolicyAction[] {
  const names = parseTexts(object, "actions", where) ?? [];
  const actions = names.map((name) => policyActions.find((action) => action === name));
  const known = actions.filter((action) => action !== undefined);
  if (known.length === 0 || known.length < names.length) {
    throw invalid(where, `needs actions out of ${policyActions.join(", ")}`);
  }
  return known;
}

function parsePatterns(object: JsonObject, key: string, where: string): readonly string[] | undefined {
  const patterns = parseTexts(object, key, where);
  for (const pattern of patterns ?? []) parseGlob(pattern);
  return patterns;
}

function parseTexts(object: JsonObject, key: string, where: string): readonly string[] | undefined {
  const value = ownValue(object, key);
  if (value === undefined) return undefined;
  const texts = Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
  if (!Array.isArray(value) || texts.length < value.length)
    throw invalid(where, `has ${key} that are no list of texts`);
  return texts;
}

function requireKeys(object: JsonObject, known: readonly string[], where: string): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(where, `has an unknown "${unknown.slice(0, 50)}"`);
}

function invalid(where: string, what: string): OciError {
  return new OciError("OPTION_INVALID", `policy: ${where} ${what}`);
}

interface CompiledRule {
  readonly actions: readonly string[];
  covers(repository: string): boolean;
  isFor(identity: Identity): boolean;
}

/**
 * Allows what the policy does. The catalog is open to whoever may pull something, and lists just that.
 *
 * @throws OciError OPTION_INVALID
 * @example createHandler(registry, { ...basicMethod(accounts), authorize: authorizeBy(policy) })
 */
export function authorizeBy(policy: Policy): Authorize {
  const rules = parsePolicy(policy).rules.map(compile);
  return ({ identity, scopes }) => {
    const own = rules.filter((rule) => rule.isFor(identity));
    return scopes.flatMap((scope) => {
      const actions = allowedActions(own, scope);
      return actions.length === 0 ? [] : [{ ...scope, actions }];
    });
  };
}

function allowedActions(rules: readonly CompiledRule[], { type, name, actions }: Scope): readonly string[] {
  if (type === "registry") {
    const isOpen = name === "catalog" && rules.some((rule) => rule.actions.includes("pull"));
    return isOpen ? actions : [];
  }
  if (type !== "repository") return [];
  const allowed = rules.filter((rule) => rule.covers(name)).flatMap((rule) => rule.actions);
  return actions.filter((action) => allowed.includes(action));
}

function compile({ repositories, actions, subjects, groups, everybody }: PolicyRule): CompiledRule {
  const covers = anyGlob(repositories);
  const isSubject = anyGlob(subjects ?? []);
  const isGroup = anyGlob(groups ?? []);
  return {
    actions,
    covers,
    isFor(identity) {
      if (everybody === true) return true;
      return (
        identity.subject !== undefined &&
        (isSubject(identity.subject) || (identity.groups ?? []).some(isGroup))
      );
    },
  };
}

function anyGlob(patterns: readonly string[]): Glob {
  const globs = patterns.map(parseGlob);
  return (text) => globs.some((matches) => matches(text));
}
