import { readFileSync } from "node:fs";
import { profiles } from "@drayage/client";
import { expect, it } from "vitest";
import { registriesPage } from "./registries-page.ts";

const page = registriesPage(Object.values(profiles));

it("docs/registries.md is what `pnpm run docs` makes of the records", () => {
  expect(readFileSync(new URL("../../docs/registries.md", import.meta.url), "utf8")).toBe(page);
});

it("says every fact and links its source", () => {
  for (const { quirks, facts } of Object.values(profiles)) {
    expect(page).toContain(`\n## ${quirks.name}\n`);
    for (const { source } of facts) expect(page).toContain(`](${source})`);
  }
});
