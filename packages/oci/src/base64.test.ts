import { describe, expect, it } from "vitest";
import { decodeBase64 } from "./base64.ts";

describe("decodeBase64", () => {
  it.each([
    ["bWU6cGFzcw==", "me:pass"],
    ["bWU6cGFzcw", "me:pass"],
    ["bWU6cMOkc3M=", "me:päss"],
    ["bWU6\r\ncGFzcw==\n", "me:pass"],
    ["77u/YQ==", "\u{feff}a"],
  ])("%s spells %j", (base64, text) => {
    expect(decodeBase64(base64)).toBe(text);
  });

  it.each([
    ["nothing", ""],
    ["padding alone", "=="],
    ["too much padding", "bWU6cGFzcw==="],
    ["padding in the middle", "bW==U6cGFzcw"],
    ["garbage, which Node passes over", "!!bWU6cGFzcw==$$"],
    ["words", "bWU6 cGFzcw=="],
    ["the URL-safe alphabet", "_-_-"],
    ["a digit too many, which Node passes over", "bWU6c"],
    ["bytes that are not UTF-8", "YTr/"],
  ])("%s is not base64 of text", (_what, base64) => {
    expect(decodeBase64(base64)).toBeUndefined();
  });
});
