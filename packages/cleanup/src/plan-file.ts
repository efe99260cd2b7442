import { digestOf, OciError, ownValue, parseJson, parseObject } from "@drayage/oci";
import { canonicalJson } from "./basis.ts";
import type { CleanupPlan } from "./plan.ts";

/** The largest plan that is read: a hundred thousand manifests take about thirty million bytes. */
const sizeLimit = 512 * 1024 * 1024;

/** A plan as the text of a file, sealed with a digest over all of it. */
export function formatPlan(plan: CleanupPlan): string {
  return `${JSON.stringify({ ...plan, seal: sealOf(plan) }, null, 1)}\n`;
}

/** Several plans, each sealed, as the text of one file. */
export function formatPlans(plans: readonly CleanupPlan[]): string {
  return `[${plans.map(formatPlan).join(",")}]\n`;
}

/**
 * The plan that {@link formatPlan} wrote.
 *
 * @throws OciError OPTION_INVALID if it is no such file, or if anything in it was changed since
 */
export function parsePlan(text: string): CleanupPlan {
  return parseSealed(parseText(text));
}

/**
 * The plans that {@link formatPlans} wrote, or the one of {@link formatPlan}.
 *
 * @throws OciError OPTION_INVALID if it is no such file, or if anything in it was changed since
 */
export function parsePlans(text: string): readonly CleanupPlan[] {
  const value = parseText(text);
  return Array.isArray(value) ? value.map(parseSealed) : [parseSealed(value)];
}

function parseText(text: string): unknown {
  if (text.length > sizeLimit) throw new OciError("OPTION_INVALID", "plan is too large to be one");
  return parseJson(new TextEncoder().encode(text), "OPTION_INVALID");
}

function parseSealed(value: unknown): CleanupPlan {
  const object = parseObject(value);
  if (object === undefined || ownValue(object, "version") !== 1) {
    throw new OciError("OPTION_INVALID", "not a cleanup plan of version 1");
  }
  const { seal, ...rest } = object;
  // Only what planCleanup made carries its seal, so that the rest need not be read field by field.
  if (seal !== sealOf(rest)) {
    throw new OciError("OPTION_INVALID", "the plan was changed after it was made: make a new one");
  }
  return rest as unknown as CleanupPlan;
}

/** A digest over everything in a plan, whatever the order of its keys. */
function sealOf(plan: object): string {
  return digestOf(new TextEncoder().encode(canonicalJson(plan)));
}
