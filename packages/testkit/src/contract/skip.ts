import type { RepositoryCase, RepositoryTraits } from "./case.ts";
import { repositoryCases } from "./cases.ts";

/** By title, the cases that a subject does not pass, and why. */
export type Skips = Readonly<Record<string, string>>;

/** Why a case is not asked of a subject, or `undefined` if it is. */
export function reasonToSkip(
  { title, needs = [] }: RepositoryCase,
  traits: RepositoryTraits,
  skips: Skips,
): string | undefined {
  if (Object.hasOwn(skips, title)) return skips[title];
  const lacking = needs.filter((ability) => !traits[ability]);
  return lacking.length === 0 ? undefined : `the subject has no ${lacking.join(", ")}`;
}

/** What is wrong with `skips`, if anything is: a case that does not exist, or a missing reason. */
export function problemWithSkips(skips: Skips): string | undefined {
  const titles = new Set(Object.values(repositoryCases).flatMap((cases) => cases.map(({ title }) => title)));
  for (const [title, reason] of Object.entries(skips)) {
    if (!titles.has(title)) return `there is no case "${title}" to skip`;
    if (reason.trim() === "") return `"${title}" is skipped without a reason`;
  }
  return undefined;
}
