import { expect, it } from "vitest";
import { requireKnownOptions } from "./option-names.ts";

it.each([
  [{ concurrency: 1, plainHttp: true }, "plainHttp"],
  [{ hosts: { "r.example": { insecure: true, plainHTTP: true } } }, 'hosts["r.example"].plainHTTP'],
  [{ network: { ca: "x", proxyUrl: "x" } }, "network.proxyUrl"],
  [{ network: { proxy: { except: [], noProxy: [] } } }, "network.proxy.noProxy"],
  [{ network: { proxy: { https: { url: "x", user: "x" } } } }, "network.proxy.https.user"],
  [{ network: { proxy: { http: { url: "x", user: "x" } } } }, "network.proxy.http.user"],
  [{ retry: { attempts: 3, retries: 3 } }, "retry.retries"],
  [{ limits: { items: 1, tags: 1 } }, "limits.tags"],
  [{ timeouts: { idle: 1, body: 1 } }, "timeouts.body"],
  [{ minRate: { bytes: 1, seconds: 1 } }, "minRate.seconds"],
  [{ concurrency: 1, toString: 1 }, "toString"],
])("what is no option is refused by its name: %j", (options, name) => {
  expect(() => requireKnownOptions(options)).toThrow(
    expect.objectContaining({ code: "OPTION_INVALID", message: `there is no option ${name}` }),
  );
});

it("what is one is taken, also if it is undefined", () => {
  expect(() => requireKnownOptions({ trace: undefined, hosts: { a: { ca: undefined } } })).not.toThrow();
});
