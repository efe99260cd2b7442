import fc from "fast-check";
import { expect, test } from "vitest";
import { formatLocal, parseLocal } from "./local.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["oci:dir", { scheme: "oci", path: "dir" }],
  ["oci:dir:v1", { scheme: "oci", path: "dir", tag: "v1" }],
  ["oci:./a/b:v1", { scheme: "oci", path: "./a/b", tag: "v1" }],
  ["oci:a:b/c", { scheme: "oci", path: "a:b/c" }],
  ["oci:a@b", { scheme: "oci", path: "a@b" }],
  [`oci:dir@${digest}`, { scheme: "oci", path: "dir", digest }],
  [`oci-archive:app.tar:v1@${digest}`, { scheme: "oci-archive", path: "app.tar", tag: "v1", digest }],
  ["docker-archive:app.tar:v1", { scheme: "docker-archive", path: "app.tar", tag: "v1" }],
  [
    "docker-archive:app.tar:example.com:5000/app:v1",
    { scheme: "docker-archive", path: "app.tar", name: "example.com:5000/app", tag: "v1" },
  ],
  [
    "docker-archive:dir/app.tar:busybox:v1",
    { scheme: "docker-archive", path: "dir/app.tar", name: "busybox", tag: "v1" },
  ],
  ["docker-archive:a:B c:v1", { scheme: "docker-archive", path: "a:B c", tag: "v1" }],
  ["oci-archive:app.tar:busybox:v1", { scheme: "oci-archive", path: "app.tar:busybox", tag: "v1" }],
  ["registry.example/app:v1", undefined],
])("%s is read", (text, expected) => {
  expect(parseLocal(text)).toEqual(expected);
});

test.each(["oci:", "oci-archive:"])("%s without a path throws REFERENCE_INVALID", (text) => {
  expect(() => parseLocal(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
});

test("a layout reads back as it was written", () => {
  const rest = fc.string({ minLength: 1 }).filter((text) => !/^[:@]/.test(text));
  const text = fc
    .tuple(fc.constantFrom("oci", "oci-archive", "docker-archive"), rest)
    .map((parts) => parts.join(":"));
  fc.assert(
    fc.property(text, (written) => {
      const local = parseLocal(written);
      expect(local && formatLocal(local)).toBe(written);
    }),
  );
});
