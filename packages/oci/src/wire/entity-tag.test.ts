import { expect, test } from "vitest";
import { formatEntityTag, includesEntityTag, parseEntityTags } from "./entity-tag.ts";

test.each([
  [undefined, undefined],
  [" * ", "*"],
  ['"sha256:a"', ["sha256:a"]],
  ['W/"sha256:a" , "b"', ["sha256:a", "b"]],
  ["sha256:a", ["sha256:a"]],
  ['"', ['"']],
])("parseEntityTags(%j)", (header, tags) => {
  expect(parseEntityTags(header)).toEqual(tags);
});

test("an entity tag is read back as it was formatted", () => {
  expect(parseEntityTags(formatEntityTag("sha256:a"))).toEqual(["sha256:a"]);
});

test("a condition includes what it names, everything with an asterisk, and nothing when it is absent", () => {
  expect(includesEntityTag(["a", "b"], "b")).toBe(true);
  expect(includesEntityTag(["a"], "b")).toBe(false);
  expect(includesEntityTag("*", "b")).toBe(true);
  expect(includesEntityTag(undefined, "b")).toBe(false);
});
