import { createSecureServer } from "node:http2";
import type { AddressInfo, LookupFunction } from "node:net";
import type { TLSSocket } from "node:tls";
import { createImage } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { createClient } from "../client.ts";
import type { ClientOptions, HostOptions } from "../options.ts";
import { errorOf, selfSigned } from "../../fixture/scripted.ts";

const image = createImage({ layers: 1 });
const { descriptor, bytes } = image.document;

interface Seen {
  readonly version: string;
  readonly hasCertificate: boolean;
}

/**
 * A registry over TLS, and a client for it under the name `registry.test`. The tag `moved` is at another host, and
 * `port-5000` at another port of the same.
 */
async function openSecure(options: (port: number) => ClientOptions) {
  const seen: Seen[] = [];
  const tls = { ...selfSigned, allowHTTP1: true, requestCert: true, rejectUnauthorized: false };
  const server = createSecureServer(tls, (request, response) => {
    const socket = request.stream?.session?.socket ?? request.socket;
    const host = request.headers[":authority"] ?? request.headers.host ?? "";
    const hasCertificate = Object.keys((socket as TLSSocket).getPeerCertificate()).length > 0;
    seen.push({ version: request.httpVersion, hasCertificate });
    if (request.url.endsWith("moved") && host.startsWith("registry")) {
      const { port } = server.address() as AddressInfo;
      response.writeHead(307, { location: `https://other.test:${port}/v2/a/manifests/moved` }).end();
    } else if (request.url.includes("/port-")) {
      const location = `https://registry.test:${request.url.split("-").at(-1)}/v2/a/manifests/v1`;
      response.writeHead(307, { location }).end();
    } else {
      const headers = { "content-type": descriptor.mediaType, "content-length": bytes.byteLength };
      response.writeHead(200, headers).end(bytes);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = createClient({ network: { lookup: toLoopback }, retry: { attempts: 1 }, ...options(port) });
  return {
    repository: client.registry(`registry.test:${port}`).repository("a"),
    port,
    seen,
    async [Symbol.asyncDispose]() {
      await client.close();
      server.close();
    },
  };
}

const toLoopback: LookupFunction = (_name, options, callback) => {
  if (options.all === true) callback(null, [{ address: "127.0.0.1", family: 4 }]);
  else callback(null, "127.0.0.1", 4);
};

const withHost = (host: HostOptions) => (port: number) => ({ hosts: { [`registry.test:${port}`]: host } });

describe("C36 certificates", () => {
  it("that nobody vouches for are refused, once, and the error says what helps", async () => {
    await using opened = await openSecure(() => ({ retry: { attempts: 5, minDelay: 1 } }));
    const error = await errorOf(opened.repository.getManifest("v1"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false, cause: { code: /CERT/ } });
    expect(error).toMatchObject({ hint: expect.stringContaining("ca") as unknown });
  });

  it.each<[string, HostOptions]>([
    ["the host's authority", { ca: selfSigned.cert }],
    ["the host being insecure", { insecure: true }],
  ])("are accepted by %s, over HTTP/2", async (_why, host) => {
    await using opened = await openSecure(withHost(host));
    expect(await opened.repository.getManifest("v1")).toMatchObject({ descriptor });
    expect(opened.seen.map(({ version }) => version)).toEqual(["2.0"]);
  });

  it.each<[string, HostOptions]>([
    ["the host's authority", { ca: selfSigned.cert }],
    ["the host being insecure", { insecure: true }],
  ])("of where it redirects to are not accepted by %s (CVE-2019-10214)", async (_why, host) => {
    await using opened = await openSecure(withHost(host));
    const error = await errorOf(opened.repository.getManifest("moved"));
    expect(error).toMatchObject({ code: "CONNECTION_FAILED", retryable: false });
  });

  it("of authorities that the user trusts for the network are accepted everywhere", async () => {
    await using opened = await openSecure(() => ({
      network: { lookup: toLoopback, ca: selfSigned.cert },
    }));
    expect(await opened.repository.getManifest("moved")).toMatchObject({ descriptor });
  });

  it("of our own are shown to the registry, and not to where it redirects to", async () => {
    await using opened = await openSecure((port) => ({
      network: { lookup: toLoopback, ca: selfSigned.cert },
      ...withHost(selfSigned)(port),
    }));
    await opened.repository.getManifest("moved");
    expect(opened.seen.map(({ hasCertificate }) => hasCertificate)).toEqual([true, false]);
  });

  it("of our own are not shown to another port of the registry's host", async () => {
    const trusting = (port: number) => ({
      network: { lookup: toLoopback, ca: selfSigned.cert },
      ...withHost(selfSigned)(port),
    });
    await using other = await openSecure(trusting);
    await using opened = await openSecure(trusting);
    await opened.repository.getManifest(`port-${other.port}`);
    expect(opened.seen.map(({ hasCertificate }) => hasCertificate)).toEqual([true]);
    expect(other.seen.map(({ hasCertificate }) => hasCertificate)).toEqual([false]);
  });
});

it("blobs come over HTTP/1.1", async () => {
  await using opened = await openSecure(withHost({ insecure: true }));
  const { body } = await opened.repository.getBlob(descriptor.digest);
  for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
  expect(opened.seen.map(({ version }) => version)).toEqual(["1.1"]);
});
