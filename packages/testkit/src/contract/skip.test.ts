import { describe, expect, it } from "vitest";
import { fullTraits } from "./case.ts";
import { repositoryCases } from "./cases.ts";
import { problemWithSkips, reasonToSkip } from "./skip.ts";

const cases = Object.values(repositoryCases).flat();
const title = "listTags gives every tag once, in byte order";

describe("the cases of the repository contract", () => {
  it("have titles that no two share, so that a skip means one case", () => {
    const titles = cases.map((each) => each.title);
    expect(titles.filter((each, index) => titles.indexOf(each) !== index)).toEqual([]);
  });
});

describe("skips", () => {
  it("are fine with a reason", () => {
    expect(problemWithSkips({ [title]: "sorts as its database does" })).toBeUndefined();
  });

  it("are refused without a reason", () => {
    expect(problemWithSkips({ [title]: " " })).toBe(`"${title}" is skipped without a reason`);
  });

  it("are refused for a case that does not exist", () => {
    expect(problemWithSkips({ "some old title": "why" })).toBe('there is no case "some old title" to skip');
  });
});

describe("reasonToSkip", () => {
  const each = { title, needs: ["write", "sha512"] as const, run: () => Promise.resolve() };

  it("is undefined for a subject that can do what the case needs", () => {
    expect(reasonToSkip(each, fullTraits, {})).toBeUndefined();
  });

  it("names what the subject cannot do", () => {
    expect(reasonToSkip(each, { ...fullTraits, sha512: false }, {})).toBe("the subject has no sha512");
  });

  it("is the reason that was written", () => {
    expect(reasonToSkip(each, fullTraits, { [title]: "because" })).toBe("because");
  });
});
