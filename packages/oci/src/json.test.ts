import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownValue, parseJson, parseJsonDocument, parseJsonObject, parseObject } from "./json.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const invalid: unknown = expect.objectContaining({ code: "MANIFEST_INVALID" });

describe("parseJson", () => {
  it("gives what JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(bytes(text), "MANIFEST_INVALID")).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(["", "{", "[1,]", "{'a':1}", "undefined", "NaN", '{"a":1}x', "\ufeff{}"])(
    "throws the code it is given for %j",
    (text) => {
      expect(() => parseJson(bytes(text), "MANIFEST_INVALID")).toThrow(invalid);
    },
  );

  it("refuses what is not UTF-8 instead of replacing it", () => {
    const text = Uint8Array.of(0x22, 0xff, 0x22);
    expect(() => parseJson(text, "RESPONSE_INVALID")).toThrow(
      expect.objectContaining({ code: "RESPONSE_INVALID" }),
    );
  });

  it.each([
    ["arrays", "[", "]"],
    ["objects", '{"a":', "}"],
  ])("takes 64 levels of %s and refuses 65", (_what, open, close) => {
    const nested = (depth: number): Uint8Array =>
      bytes(open.repeat(depth) + (open === "[" ? "" : "0") + close.repeat(depth));
    expect(parseJson(nested(64), "MANIFEST_INVALID")).toBeTypeOf("object");
    expect(() => parseJson(nested(65), "MANIFEST_INVALID")).toThrow(invalid);
  });

  it("refuses nesting without end before it is parsed", () => {
    expect(() => parseJson(bytes("[".repeat(1_000_000)), "MANIFEST_INVALID")).toThrow(
      /nested deeper than 64/,
    );
  });

  it("does not count brackets in text", () => {
    const text = JSON.stringify({ a: `${"[{".repeat(100)}\\"`, 'k"[': ["\\\\"] });
    expect(parseJson(bytes(text), "MANIFEST_INVALID")).toEqual(JSON.parse(text));
  });

  it("keeps __proto__ a property like any other (C21)", () => {
    const value = parseObject(parseJson(bytes('{"__proto__":{"polluted":true}}'), "MANIFEST_INVALID")) ?? {};
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
    expect(ownValue(value, "polluted")).toBeUndefined();
    expect(ownValue(value, "__proto__")).toEqual({ polluted: true });
  });
});

describe("parseJsonObject", () => {
  it("gives the object", () => {
    expect(parseJsonObject(bytes('{"a":[1]}'))).toEqual({ a: [1] });
  });

  it.each(["", "{", "[]", "null", '"{}"', "[".repeat(65) + "]".repeat(65)])("has nothing for %j", (text) => {
    expect(parseJsonObject(bytes(text))).toBeUndefined();
  });

  it("has nothing for what is not UTF-8", () => {
    expect(parseJsonObject(Uint8Array.of(0x7b, 0xff, 0x7d))).toBeUndefined();
  });
});

describe("parseObject", () => {
  it.each([[], null, undefined, "text", 1, true])("of %j is undefined", (value) => {
    expect(parseObject(value)).toBeUndefined();
  });

  it("of an object is the object", () => {
    const value = { a: 1 };
    expect(parseObject(value)).toBe(value);
  });
});

describe("ownValue", () => {
  it.each(["constructor", "toString", "hasOwnProperty", "__proto__"])(
    "does not find %s on a prototype",
    (key) => {
      expect(ownValue({}, key)).toBeUndefined();
    },
  );
});

describe("ambiguousKeys", () => {
  const ambiguousKeys = (text: string) => parseJsonDocument(bytes(text), "MANIFEST_INVALID").ambiguousKeys;

  it.each([
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ["a"]],
    ['{"layers":1,"Layers":2}', ["Layers"]],
    ['{"a":1,"\\u0061":2}', ["a"]],
    ['{"a":{"b":1,"b":2},"b":3}', []],
    ['{"a":["b","b"],"c":"b"}', []],
    ['{"x":"\\",\\"x\\":","y":1}', []],
    ['{"a":1, "b":2 ,\n"a" : 3}', ["a"]],
    ["[]", []],
  ])("of %s are %j", (text, keys) => {
    expect(ambiguousKeys(text)).toEqual(keys);
  });

  it("of what JSON.stringify writes are none, unless keys differ by case only", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const folded = Object.keys(value).map((key) => key.toLowerCase());
        const isDistinct = new Set(folded).size === folded.length;
        expect(ambiguousKeys(JSON.stringify(value)).length === 0).toBe(isDistinct);
      }),
    );
  });
});
