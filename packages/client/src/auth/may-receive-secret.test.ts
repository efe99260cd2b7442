import { describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import { settingsOf } from "../options.ts";
import { mayReceiveCredential, mayReceiveSecret } from "./may-receive-secret.ts";

describe("C2 who may see what is private to an origin", () => {
  it.each([
    ["https://r.example", "https://r.example/x", true],
    ["https://r.example", "https://r.example:443/x", true],
    ["http://r.example", "https://r.example/x", true],
    ["http://r.example:5000", "https://r.example:5000/x", true],
    ["http://r.example:5000", "https://r.example/x", false],
    ["https://r.example", "http://r.example/x", false],
    ["https://r.example", "https://r.example:8443/x", false],
    ["https://r.example", "https://r.example.evil/x", false],
    ["https://r.example", "https://a.r.example/x", false],
  ])("%s to %s: %s", (home, target, expected) => {
    expect(mayReceiveSecret(new URL(home), new URL(target))).toBe(expected);
  });
});

describe("C4 realm on another host", () => {
  const judge = (registry: string, realm: string, trusted = {}): boolean =>
    mayReceiveCredential(hostOf(registry, settingsOf({})), new URL(realm), trusted);

  it.each([
    ["docker.io", "https://auth.docker.io/token"],
    ["ghcr.io", "https://ghcr.io/token"],
    ["us.gcr.io", "https://gcr.io/v2/token"],
    ["x.azurecr.io", "https://x.azurecr.io/oauth2/token"],
    ["registry.gitlab.com", "https://gitlab.com/jwt/auth"],
    ["registry.digitalocean.com", "https://api.digitalocean.com/v2/registry/auth"],
    ["r.example.com", "https://r.example.com:8443/token"],
    ["localhost:5000", "http://localhost:5001/token"],
    ["localhost:5000", "http://127.0.0.1:5001/token"],
    ["a.localhost:5000", "http://[::1]:5001/token"],
    ["ghcr.io", "https://ghcr.io:8443/token"],
    ["10.0.0.1:5000", "https://10.0.0.1/token"],
    ["10example.com", "https://10example.com/token"],
    ["a.10.example.com", "https://b.10.example.com/token"],
    ["r.tco.uk.example", "https://auth.tco.uk.example/token"],
    ["r.co.uk.example", "https://auth.co.uk.example/token"],
    ["1r.example.com", "https://auth.example.com/token"],
    ["r.example.a1", "https://auth.example.a1/token"],
    ["r.example.co.uk", "https://auth.example.co.uk/token"],
  ])("%s may name %s", (registry, realm) => {
    expect(judge(registry, realm)).toBe(true);
  });

  it.each([
    ["r.example.com", "https://evil.example.net/token"],
    ["r.example.com", "https://example.com.evil.net/token"],
    ["r.example.com", "https://evilexample.com/token"],
    ["r.example.com", "https://a.b.example.com/token"],
    ["r.example.com", "http://auth.example.com/token"],
    ["r.example.com", "https://169.254.169.254/token"],
    ["x.azurecr.io", "https://evil.azurecr.io/token"],
    ["1.dkr.ecr.eu-west-1.amazonaws.com", "https://2.dkr.ecr.eu-west-1.amazonaws.com/token"],
    ["1.dkr.ecr.cn-north-1.amazonaws.com.cn", "https://2.dkr.ecr.cn-north-1.amazonaws.com.cn/token"],
    ["1.dkr-ecr.eu-west-1.on.aws", "https://2.dkr-ecr.eu-west-1.on.aws/token"],
    ["x.azurecr.de", "https://evil.azurecr.de/token"],
    ["me.jfrog.io", "https://evil.jfrog.io/token"],
    ["registry.co.uk", "https://evil.co.uk/token"],
    ["ghcr.io", "https://evil.io/token"],
    ["10.0.0.1:5000", "https://9.0.0.1/token"],
    ["r.example.com", "https://.example.com/token"],
    ["localhost:5000", "https://auth.example.com/token"],
    ["localhost:5000", "http://localhost.evil.example/token"],
    ["localhost:5000", "http://127.0.0.1.evil.example/token"],
  ])("%s may not name %s", (registry, realm) => {
    expect(judge(registry, realm)).toBe(false);
  });

  it("a registry over plain HTTP may name itself", () => {
    const host = hostOf("r.example:5000", settingsOf({ hosts: { "r.example:5000": { plainHttp: true } } }));
    expect(mayReceiveCredential(host, new URL("http://r.example:5000/token"), {})).toBe(true);
    expect(mayReceiveCredential(host, new URL("http://r.example:5001/token"), {})).toBe(false);
  });

  it("the user may trust a server, for one registry", () => {
    const trusted = { "r.example.com": ["sso.example.net"] };
    expect(judge("r.example.com", "https://sso.example.net/token", trusted)).toBe(true);
    expect(judge("s.example.com", "https://sso.example.net/token", trusted)).toBe(false);
    expect(judge("r.example.com", "https://sso.example.net:8443/token", trusted)).toBe(false);
    expect(judge("r.example.com", "https://sso.example.net/token", () => true)).toBe(true);
    const withPort = { "r.example.com": ["sso.example.net:443", "sso.example.net:8443"] };
    expect(judge("r.example.com", "https://sso.example.net/token", withPort)).toBe(true);
    expect(judge("r.example.com", "https://sso.example.net:8443/token", withPort)).toBe(true);
    expect(judge("r.example.com", "https://sso.example.net:9443/token", withPort)).toBe(false);
  });
});
