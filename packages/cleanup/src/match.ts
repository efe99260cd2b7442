import { parseGlob, parseTagSelector, type Glob, type TagMatch } from "@drayage/select";
import type { ManifestNode, TagNode } from "./graph.ts";
import type { Selector, TimeSource } from "./policy.ts";
import { ageOf, type Times } from "./times.ts";

/** What a plan is made at. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly times: Times;
  readonly sources: readonly TimeSource[];
}

/** What is seen in a tag, or `undefined` if the rule is not about it. */
export type MatchTag = (tag: TagNode) => TagMatch | undefined;

/** The test that a rule's selector describes. */
export function createMatch(selector: Selector, moment: Moment): MatchTag {
  const select = parseTagSelector(selector);
  const annotations = Object.entries(selector.annotations ?? {}).map(
    ([name, glob]) => [name, parseGlob(glob)] as const,
  );
  return (tag) => {
    const match = select(tag.tag.name);
    if (match === undefined) return undefined;
    const { kinds } = selector;
    if (kinds !== undefined && !kinds.includes(tag.target?.record.kind ?? "unknown")) return undefined;
    if (!hasAnnotations(tag.target, annotations)) return undefined;
    return isOfAge(tag, selector, moment) ? match : undefined;
  };
}

function hasAnnotations(
  node: ManifestNode | undefined,
  wanted: readonly (readonly [string, Glob])[],
): boolean {
  const annotations = node?.record.annotations ?? {};
  return wanted.every(([name, matches]) => {
    const value = Object.hasOwn(annotations, name) ? annotations[name] : undefined;
    return value !== undefined && matches(value);
  });
}

function isOfAge(tag: TagNode, selector: Selector, { now, times, sources }: Moment): boolean {
  const { olderThan, newerThan, notPulledFor } = selector;
  if (olderThan === undefined && newerThan === undefined && notPulledFor === undefined) return true;
  const time = times.ofTag(tag, sources);
  const age = time === undefined ? undefined : ageOf(time, now);
  if (olderThan !== undefined && !(age !== undefined && age > olderThan)) return false;
  if (newerThan !== undefined && !(age !== undefined && age <= newerThan)) return false;
  return notPulledFor === undefined || isIdle(tag, notPulledFor, { age, now });
}

/** Whether nobody pulled it for `duration`; what is younger than that had no time to be pulled. */
function isIdle(
  { target }: TagNode,
  duration: number,
  { age, now }: { readonly age: number | undefined; readonly now: number },
): boolean {
  const pulled = target?.record.pulled;
  if (pulled === undefined) return false;
  if (age !== undefined && age <= duration) return false;
  return pulled === "never" ? age !== undefined : ageOf(pulled, now) > duration;
}
