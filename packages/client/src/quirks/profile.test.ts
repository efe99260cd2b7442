import { standardQuirks, type Quirks } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { profiles } from "./index.ts";
import { profile } from "./profile.ts";

const source = "https://registry.example/docs";

describe("profile", () => {
  it("is the standard with its deviations", () => {
    const { quirks } = profile({
      name: "x",
      hosts: [],
      quirks: { mount: "none" },
      sources: { mount: source },
    });
    expect(quirks).toEqual({ ...standardQuirks, name: "x", mount: "none" });
  });

  it("keeps the source and the note of each deviation", () => {
    const { facts } = profile({
      name: "x",
      hosts: [],
      quirks: { mount: "none", catalog: 401 },
      sources: { mount: source, catalog: source },
      notes: { catalog: "until 2020" },
    });
    expect(facts).toEqual([
      { quirk: "mount", source },
      { quirk: "catalog", source, note: "until 2020" },
    ]);
  });

  it("compiles only if each deviation has a source, and each source a deviation", () => {
    const common = { name: "x", hosts: [], quirks: { mount: "none" } } as const;
    // @ts-expect-error: the source is missing
    profile({ ...common, sources: {} });
    // @ts-expect-error: nothing deviates in what this is the source of
    profile({ ...common, sources: { mount: source, catalog: source } });
    // @ts-expect-error: memory is no source
    profile({ ...common, sources: { mount: "memory" } });
    // @ts-expect-error: there is no such quirk
    profile({ name: "x", hosts: [], quirks: { colour: "red" }, sources: { colour: source } });
    expect(profile({ ...common, sources: { mount: source } }).facts).toHaveLength(1);
  });
});

describe.each(Object.values(profiles))("$quirks.name", ({ quirks, facts }) => {
  it("has a source for all that it does differently", () => {
    const sourced = new Map(facts.map((fact) => [fact.quirk, fact.source]));
    const deviating = Object.entries(quirks).filter(
      ([quirk, value]) => quirk !== "name" && value !== valueIn(standardQuirks, quirk),
    );
    for (const [quirk] of deviating) expect([...sourced.keys()]).toContain(quirk);
    for (const page of sourced.values()) expect(URL.canParse(page)).toBe(true);
  });
});

it("no quirk is kept that no registry has", () => {
  const found = new Set(Object.values(profiles).flatMap(({ facts }) => facts.map(({ quirk }) => quirk)));
  const { name: _name, ...quirks } = standardQuirks;
  expect([...found]).toEqual(expect.arrayContaining(Object.keys(quirks)));
});

function valueIn(quirks: Quirks, quirk: string): unknown {
  return Object.entries(quirks).find(([key]) => key === quirk)?.[1];
}
