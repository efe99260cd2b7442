import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRequestLog, kindOf } from "./request-log.ts";

describe("createRequestLog", () => {
  let server: Server;
  let origin = "";
  beforeEach(async () => {
    server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("counts what arrived at a server, by method, kind and label", async () => {
    const log = createRequestLog();
    log.watch(server, "src");
    await fetch(`${origin}/v2/a/b/manifests/latest`);
    await fetch(`${origin}/v2/a/b/blobs/uploads/?mount=x`, { method: "POST" });
    await fetch(`${origin}/v2/a/b/blobs/uploads/1?digest=x`, { method: "PUT" });
    await fetch(`${origin}/v2/a/b/manifests/latest`);
    expect(log.counts()).toEqual({ "GET src": 2, "POST src": 1, "PUT src": 1 });
    expect(log.kinds()).toEqual({ "GET manifest src": 2, "POST upload src": 1, "PUT upload src": 1 });
    expect(log.total()).toBe(4);
    expect(log.entries[1]).toEqual({
      method: "POST",
      url: "/v2/a/b/blobs/uploads/?mount=x",
      kind: "upload",
      label: "src",
    });
  });

  it("forgets what it counted when it is cleared", async () => {
    const log = createRequestLog();
    log.watch(server, "src");
    await fetch(`${origin}/v2/`);
    log.clear();
    expect(log.counts()).toEqual({});
    await fetch(`${origin}/v2/`);
    expect(log.total()).toBe(1);
  });

  it("stops counting when told so", async () => {
    const log = createRequestLog();
    const stop = log.watch(server, "src");
    stop();
    await fetch(`${origin}/v2/`);
    expect(log.total()).toBe(0);
  });
});

describe("kindOf", () => {
  it.each([
    ["/v2/", "ping"],
    ["/v2/_catalog", "catalog"],
    ["/v2/a/tags/list", "tags"],
    ["/v2/a/b/manifests/v1", "manifest"],
    ["/v2/blobs/uploads/manifests/v1", "manifest"],
    ["/v2/a/referrers/sha256:0", "referrers"],
    ["/v2/a/blobs/sha256:0", "blob"],
    ["/v2/a/blobs/uploads", "upload"],
    ["/v2/a/blobs/uploads/", "upload"],
    ["/v2/a/blobs/uploads/some-id", "upload"],
    ["/v2/a/blobs/uploads/?mount=sha256:0&from=b/manifests/c", "upload"],
    ["/token", "token"],
    ["/auth/token?scope=repository:a:pull", "token"],
    ["/anything/else", "other"],
  ])("takes %s for %s", (path, kind) => {
    expect(kindOf(path)).toBe(kind);
  });
});
