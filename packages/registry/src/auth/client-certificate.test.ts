import { once } from "node:events";
import { createServer, request, type ServerOptions } from "node:https";
import { json } from "node:stream/consumers";
import { MemoryRegistry } from "@drayage/oci";
import { testCertificate } from "@drayage/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { responseTo } from "../../fixture/serve.ts";
import { createHandler } from "../handler.ts";
import { certificateMethod, type CertificateOptions } from "./client-certificate.ts";

const { cert, key } = testCertificate;

/** Asks a TLS server for `/v2/`. Resolves to the status and what `authorize` was told. */
async function askOver(
  tls: ServerOptions,
  client: { readonly cert?: string; readonly key?: string },
  options?: CertificateOptions,
) {
  const seen: unknown[] = [];
  const handler = createHandler(new MemoryRegistry(), {
    ...certificateMethod(options),
    authorize({ identity, scopes }) {
      seen.push(identity.subject);
      return scopes;
    },
  });
  const server = createServer(
    { cert, key, requestCert: true, rejectUnauthorized: false, ...tls },
    (req, res) => handler(req, res),
  );
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const asked = request({
    host: "127.0.0.1",
    port,
    path: "/v2/a/tags/list",
    agent: false,
    servername: "registry.test",
    ca: cert,
    ...client,
  });
  const response = await responseTo(asked.end());
  return { status: response.statusCode, seen, json: await json(response) };
}

describe("a client certificate", () => {
  test("of a trusted issuer says who it is by its common name", async () => {
    expect(await askOver({ ca: cert }, { cert, key })).toMatchObject({ status: 404, seen: ["test"] });
  });

  test("that the server does not trust counts as none", async () => {
    const { seen } = await askOver({}, { cert, key });
    expect(seen).toEqual([undefined]);
  });

  test("that is not shown is nobody's", async () => {
    expect((await askOver({ ca: cert }, {})).seen).toEqual([undefined]);
  });

  test("is whoever `identify` says, or refused", async () => {
    const identify = ({ subjectAltName = "" }) => ({ subject: subjectAltName.split(", ")[0] ?? "" });
    expect((await askOver({ ca: cert }, { cert, key }, { identify })).seen).toEqual(["DNS:registry.test"]);
    const nobody = await askOver({ ca: cert }, { cert, key }, { identify: () => undefined });
    expect(nobody).toMatchObject({ status: 401, seen: [], json: { errors: [{ code: "UNAUTHORIZED" }] } });
  });
});
