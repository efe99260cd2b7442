import { expect, test } from "vitest";
import { type FindingKind, findingsOf } from "./syntax.ts";

test.each<[string, FindingKind, readonly string[]]>([
  ["const a = value as string", "cast", ["value as string"]],
  ["const a = <string>value", "cast", ["<string>value"]],
  ["const a = value as unknown as string", "cast", ["value as unknown as string", "value as unknown"]],
  ["const a = [1] as const", "cast", []],
  ["const a = { b: 1 } satisfies B", "cast", []],
  ["const a = Object.create(null) as A", "cast", []],
  ["const a = Object.create(b) as A", "cast", ["Object.create(b) as A"]],
  ['import { a as b } from "x"; export { b as c }', "cast", []],
  ["export default 1", "default-export", ["export default 1"]],
  ['export * from "./a.ts"', "export-all", ['export * from "./a.ts"']],
  ['export * as a from "./a.ts"', "export-all", ['export * as a from "./a.ts"']],
  ['export { a } from "./a.ts"', "export-all", []],
  ["new URL(text)", "new-url", ["new URL(text)"]],
  ["new globalThis.URL(text)", "new-url", ["new globalThis.URL(text)"]],
  ["URL.parse(text)", "new-url", ["URL.parse(text)"]],
  ['new URL("./page.html", import.meta.url)', "new-url", []],
  ["new URL(text, import.meta.url)", "new-url", ["new URL(text, import.meta.url)"]],
  ["fetch(url)", "global-fetch", ["fetch(url)"]],
  ["globalThis.fetch(url)", "global-fetch", ["globalThis.fetch(url)"]],
  ["const fetch = 1; adapter.fetch(request)", "global-fetch", []],
  ["secret.reveal()", "reveal", ["secret.reveal"]],
  ['credential.secret?.["reveal"]()', "reveal", ['credential.secret?.["reveal"]']],
  ["const { reveal } = secret", "reveal", ["reveal"]],
  ["class Secret { reveal() { return this.#text } }", "reveal", []],
  ["const a = { b: 1, 'c-d': 2, ...e, f() {}, g: () => 1 }", "key", ["b", "c-d"]],
  ["const { a } = b; const c: { d: string } = { e }", "key", ["e"]],
  ['a.b = 1; a["c-d"] = 2; a.e === 3', "key", ["b", "c-d"]],
  ['import "a"; import type { B } from "b"; import * as c from "c"', "import", ["a", "b", "c"]],
  ['export { a } from "a"; export * from "b"; await import("c")', "import", ["a", "b", "c"]],
  ['type A = import("a").A', "import", ["a"]],
  ["const a = 'one' + `two ${a} three`", "text", ["one", "two ", " three"]],
  [String.raw`const a = /ghcr\.io/`, "text", ["ghcr.io"]],
  [String.raw`const a = /a\/b/i`, "regex", [String.raw`/a\/b/i`]],
  ["// ghcr.io\n/** ghcr.io */", "text", []],
])("%s: %s", (text, kind, expected) => {
  const found = findingsOf({ path: "a.ts", text }).filter((finding) => finding.kind === kind);
  expect(found.map(({ value }) => value)).toEqual(expected);
});

test.each([
  ["function parseA(text) { return text as A }", ["parseA"]],
  ["const parseA = (text) => text as A", ["parseA"]],
  ["const parseA = function (text) { return text as A }", ["parseA"]],
  ["class A { parseB(text) { return text as B } }", ["parseB"]],
  ["const a = { parseB: (text) => text as B, parseC() {} }", ["parseB"]],
  ["function parseA(rows) { return rows.map((row) => row as A) }", ["parseA"]],
  ["const parseA = text as A", []],
  ["function parseA() {} text as A", []],
  ["function make() { const parseA = () => 1; return text as A }", ["make"]],
])("%s: inside %j", (text, expected) => {
  const [cast] = findingsOf({ path: "a.ts", text }).filter(({ kind }) => kind === "cast");
  expect(cast?.inside.filter((name) => name !== "")).toEqual(expected);
});

test("a finding knows its line", () => {
  expect(findingsOf({ path: "a.ts", text: "\n\nexport default 1" }).map(({ line }) => line)).toEqual([3]);
});

test("a file that cannot be read as TypeScript is refused, not passed over", () => {
  expect(() => findingsOf({ path: "a.ts", text: "const = 1" })).toThrow(SyntaxError);
});
