import { getEventListeners, once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { Readable } from "node:stream";
import { readAll } from "@drayage/oci";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { describe, expect, it } from "vitest";
import { exchange, type Dispatched, type ExchangeOptions } from "./exchange.ts";
import type { RateMeter } from "./min-rate.ts";

const errorOf = (error: unknown): unknown => error;
const meter: RateMeter = { wait: () => undefined, receive: () => undefined };
const reason = new Error("enough");

/** A server that answers with `listener`, and a way to exchange something with it. */
async function open(listener: RequestListener, dispatcher: Dispatcher = new Agent()) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const request: Dispatched = { origin: `http://127.0.0.1:${port}`, path: "/", method: "GET", body: null };
  return {
    ask: (dispatched: Partial<Dispatched> = {}, options: Partial<ExchangeOptions> = {}) =>
      exchange(dispatcher, { ...request, ...dispatched }, { errorOf, meter, ...options }),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

it("resolves with the answer as soon as its headers are there", async () => {
  await using opened = await open((_request, response) => {
    response.writeHead(201, { "x-a": "b" }).flushHeaders();
    setImmediate(() => response.end("body"));
  });
  const { status, headers, body } = await opened.ask();
  expect({ status, header: headers["x-a"] }).toEqual({ status: 201, header: "b" });
  expect(Buffer.from(await readAll(body, { limit: 10 })).toString()).toBe("body");
});

it("takes no hint for the answer (RFC 9110 §15.2)", async () => {
  await using opened = await open((_request, response) => {
    response.writeEarlyHints({ link: "</v2/>; rel=preload" });
    response.end("body");
  });
  const { status, body } = await opened.ask();
  expect(status).toBe(200);
  expect(await readAll(body, { limit: 10 })).toHaveLength(4);
});

it("gives errors of the connection as what the caller makes of them", async () => {
  await using opened = await open((request) => request.socket.destroy());
  await expect(opened.ask()).rejects.toMatchObject({ code: "UND_ERR_SOCKET" });
});

it("gives a body that breaks off as an error of its reader", async () => {
  await using opened = await open((_request, response) => {
    response.writeHead(200, { "content-length": 10 }).write("half");
    setImmediate(() => response.destroy());
  });
  const { body } = await opened.ask();
  await expect(readAll(body, { limit: 10 })).rejects.toMatchObject({ code: "UND_ERR_SOCKET" });
});

it("gives up on a body that its meter finds too slow, and cuts the connection", async () => {
  const closed = Promise.withResolvers<void>();
  await using opened = await open((request, response) => {
    request.socket.once("close", () => closed.resolve());
    response.write("half");
  });
  const receive = (): never => {
    throw reason;
  };
  const { body } = await opened.ask({}, { meter: { ...meter, receive } });
  await expect(readAll(body, { limit: 10 })).rejects.toBe(reason);
  await closed.promise;
});

it("holds the sender back while nobody reads", async () => {
  let sent = 0;
  await using opened = await open((_request, response) => {
    const more = (): void => {
      while (sent < 64 && response.write(Buffer.alloc(1024 * 1024))) sent++;
      if (sent++ < 64) response.once("drain", more);
      else response.end();
    };
    more();
  });
  const { body } = await opened.ask();
  await expect.poll(() => sent).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(sent).toBeLessThan(32);
  for await (const chunk of body) expect(chunk.byteLength).toBeGreaterThan(0);
});

describe("a signal that is aborted", () => {
  it("ends a request that waits for its answer, and its connection", async () => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    await using opened = await open((request) => {
      request.socket.once("close", () => closed.resolve());
      controller.abort(reason);
    });
    await expect(opened.ask({}, { signal: controller.signal })).rejects.toThrow("aborted");
    await closed.promise;
  });

  it("ends the body of an answer, and its connection", async () => {
    const controller = new AbortController();
    const closed = Promise.withResolvers<void>();
    await using opened = await open((request, response) => {
      request.socket.once("close", () => closed.resolve());
      response.write("half");
    });
    const { body } = await opened.ask({}, { signal: controller.signal });
    const whole = readAll(body, { limit: 10 });
    controller.abort(reason);
    await expect(whole).rejects.toThrow("aborted");
    await closed.promise;
  });

  it("ends a request that has no connection yet, without sending it later", async () => {
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    const connecting = Promise.withResolvers<void>();
    const connect = buildConnector({});
    const dispatcher = new Agent({
      connect(options, callback) {
        connecting.resolve();
        void gate.promise.then(() => connect(options, callback));
      },
      connections: 1,
    });
    const paths: unknown[] = [];
    await using opened = await open(({ url }, response) => {
      paths.push(url);
      response.end();
    }, dispatcher);
    const asked = opened.ask({ path: "/aborted" }, { signal: controller.signal });
    await connecting.promise;
    controller.abort(reason);
    await expect(asked).rejects.toThrow("aborted");
    gate.resolve();
    await opened.ask({ path: "/next" });
    expect(paths).toEqual(["/next"]);
  });

  it("is not listened to any longer than the answer takes", async () => {
    const { signal } = new AbortController();
    const read = Promise.withResolvers<void>();
    await using opened = await open((_request, response) => {
      response.write("bo");
      void read.promise.then(() => response.end("dy"));
    });
    const { body } = await opened.ask({}, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    read.resolve();
    await readAll(body, { limit: 10 });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("the source of a body", () => {
  it("is told when nobody takes the rest of it", async () => {
    await using opened = await open((request) => request.socket.destroy());
    const body = new Readable({ read: () => undefined });
    body.push("part");
    await expect(opened.ask({ method: "PUT", body })).rejects.toBeInstanceOf(Error);
    expect(body.destroyed).toBe(true);
  });

  it("is told when there is no connection to send it over", async () => {
    const dispatcher = new Agent({ connect: (_options, callback) => callback(new Error("no way"), null) });
    await using opened = await open(() => undefined, dispatcher);
    const body = new Readable({ read: () => undefined });
    await expect(opened.ask({ method: "PUT", body })).rejects.toThrow("no way");
    expect(body.destroyed).toBe(true);
  });
});
