import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { formatScope, parseScopes } from "./scope.ts";
import {
  formatToken,
  formatTokenForm,
  formatTokenQuery,
  parseToken,
  parseTokenForm,
  parseTokenQuery,
  type Token,
  type TokenGrant,
  type TokenRequest,
} from "./token.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function parse(answer: unknown): Token {
  return parseToken(bytes(JSON.stringify(answer)));
}

describe("parseToken: the answer of a token service", () => {
  test("access_token is taken before token, and either will do", () => {
    expect(parse({ token: "t", access_token: "a" }).value).toBe("a");
    expect(parse({ token: "t" }).value).toBe("t");
    expect(parse({ access_token: "a" }).value).toBe("a");
    expect(parse({ token: "t", access_token: "" }).value).toBe("t");
  });

  test.each([
    [undefined, 60],
    [300, 300],
    ["300", 300],
    [300.9, 300],
    [59, 60],
    [-1, 60],
    ["soon", 60],
    [null, 60],
  ])("expires_in %s is %s seconds", (expires_in, seconds) => {
    expect(parse({ token: "t", expires_in }).expiresIn).toBe(seconds);
  });

  test("an infinite life is none", () => {
    expect(parseToken(bytes('{"token":"t","expires_in":1e400}')).expiresIn).toBe(60);
  });

  test("issued_at is not looked at", () => {
    expect(parse({ token: "t", expires_in: 100, issued_at: "1970-01-01T00:00:00Z" }).expiresIn).toBe(100);
  });

  test("a refresh token is kept", () => {
    expect(parse({ token: "t", refresh_token: "r" }).refreshToken).toBe("r");
    expect(parse({ token: "t", refresh_token: "" }).refreshToken).toBeUndefined();
  });

  test.each([
    '{"secret":"canary"}',
    '{"token":{"canary":1}}',
    '{"token":"canary canary"}',
    '{"token":"canary\\r\\nX: y"}',
    '{"token":"canary\\u00e9"}',
    '{"token":"t","refresh_token":"canary canary"}',
    '{"token":"t","refresh_token":["canary"]}',
    '["canary"]',
    "canary",
    '{"token":"canary"',
    `${"[".repeat(100)}"canary"${"]".repeat(100)}`,
  ])("%s is refused, and the error says nothing of it (C30)", (body) => {
    const error = thrownBy(() => parseToken(bytes(body)));
    expect(error).toMatchObject({ code: "RESPONSE_INVALID" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe("formatToken", () => {
  test("writes both names, and the time in UTC", () => {
    const text = formatToken(
      { value: "t", expiresIn: 300, refreshToken: "r" },
      { issuedAt: new Date(0), scopes: parseScopes("repository:a:push,pull") },
    );
    expect(JSON.parse(text)).toEqual({
      token: "t",
      access_token: "t",
      expires_in: 300,
      issued_at: "1970-01-01T00:00:00.000Z",
      refresh_token: "r",
      scope: "repository:a:pull,push",
    });
  });

  test.each<Token>([
    { value: "", expiresIn: 60 },
    { value: "a b", expiresIn: 60 },
    { value: "a", expiresIn: 59 },
    { value: "a", expiresIn: Infinity },
    { value: "a", expiresIn: 60, refreshToken: "a b" },
  ])("refuses %j", (token) => {
    expect(() => formatToken(token)).toThrow(expect.objectContaining({ code: "OPTION_INVALID" }));
  });
});

const scopes = parseScopes("repository:b:push,pull repository:a:pull");

describe("asking by GET", () => {
  test("sends one scope parameter per resource", () => {
    expect(formatTokenQuery({ service: "my registry", scopes, clientId: "drayage" })).toBe(
      "service=my+registry&scope=repository%3Ab%3Apull%2Cpush&scope=repository%3Aa%3Apull&client_id=drayage",
    );
    expect(formatTokenQuery({ scopes: [], offline: true })).toBe("offline_token=true");
  });

  test("a name cannot add a parameter or a scope (C19)", () => {
    const evil = { type: "repository", name: "a&scope=x", actions: ["pull"] };
    expect(() => formatTokenQuery({ scopes: [evil] })).toThrow(
      expect.objectContaining({ code: "NAME_INVALID" }),
    );
    expect(formatTokenQuery({ scopes: [], service: "a&scope=x" })).toBe("service=a%26scope%3Dx");
  });

  test("scopes are read from lists and from repeated parameters; what is none is left out", () => {
    const { scopes: read } = parseTokenQuery(
      "scope=repository:a:pull+registry:catalog:*&scope=repository:b:pull&scope=x",
    );
    expect(read.map(formatScope)).toEqual(["repository:a:pull", "registry:catalog:*", "repository:b:pull"]);
  });
});

describe("asking by POST", () => {
  test("sends all scopes in one parameter", () => {
    expect(
      formatTokenForm({ service: "s", scopes, clientId: "c" }, { type: "refresh_token", refreshToken: "r" }),
    ).toBe(
      "grant_type=refresh_token&service=s&client_id=c&scope=repository%3Ab%3Apull%2Cpush+repository%3Aa%3Apull&refresh_token=r",
    );
  });

  test("scopes in several parameters are read too", () => {
    const form = parseTokenForm(
      "grant_type=password&username=u&password=&scope=repository:a:pull&scope=repository:b:pull",
    );
    expect(form.scopes).toHaveLength(2);
    expect(form.grant).toEqual({ type: "password", username: "u", password: "" });
  });

  test.each([
    ["", "unsupported_grant_type"],
    ["grant_type=authorization_code", "unsupported_grant_type"],
    ["grant_type=refresh_token", "invalid_request"],
    ["grant_type=password&username=u", "invalid_request"],
    ["grant_type=password&password=p", "invalid_request"],
  ])("%j is 400 %s", (form, error) => {
    expect(() => parseTokenForm(form)).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED", status: 400, detail: { error } }),
    );
  });
});

const visible = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const request: fc.Arbitrary<TokenRequest> = fc.record({
  service: maybe(fc.string()),
  scopes: fc.constantFrom(
    parseScopes(""),
    parseScopes("repository:a:pull"),
    parseScopes("repository:a:pull registry:catalog:*"),
  ),
  clientId: maybe(fc.string()),
  offline: fc.constantFrom(true, undefined),
});
const grant: fc.Arbitrary<TokenGrant> = fc.oneof(
  fc.record({ type: fc.constant("refresh_token" as const), refreshToken: visible }),
  fc.record({ type: fc.constant("password" as const), username: visible, password: fc.string() }),
);

test("tokens and requests are read back as they were formatted", () => {
  const token = fc.record({
    value: visible,
    expiresIn: fc.integer({ min: 60 }),
    refreshToken: maybe(visible),
  });
  fc.assert(
    fc.property(token, request, grant, (given, asked, proof) => {
      expect(parseToken(bytes(formatToken(given)))).toEqual(given);
      expect(parseTokenQuery(formatTokenQuery(asked))).toEqual(asked);
      expect(parseTokenForm(formatTokenForm(asked, proof))).toEqual({ ...asked, grant: proof });
    }),
  );
});

test("no body makes parseToken throw anything but RESPONSE_INVALID", () => {
  const body = fc.oneof(fc.uint8Array(), fc.string().map(bytes), fc.json().map(bytes));
  fc.assert(
    fc.property(body, (given) => {
      const outcome = thrownBy(() => parseToken(given));
      expect(outcome).toHaveProperty(outcome instanceof Error ? "code" : "value");
    }),
  );
});
