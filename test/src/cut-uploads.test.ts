import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createClient } from "@drayage/client";
import { createHandler, createMemoryDriver, createRegistry, listen } from "@drayage/registry";
import { createBlob } from "@drayage/testkit";
import { describe, expect, it } from "vitest";
import { startDistribution, withoutDistribution } from "./distribution.ts";

const blob = createBlob({ size: 12_000_000, seed: 11 });
const cutAt = 8_000_000;

interface Wire extends AsyncDisposable {
  readonly host: string;
  /** Bytes on their way to the registry so far. */
  sent(): number;
}

/** A way to `host` that resets the first connection to carry more than `cutAt` bytes. */
async function openWire(host: string): Promise<Wire> {
  let sent = 0;
  let isCut = false;
  const carry = (near: Socket, far: Socket): void => {
    let carried = 0;
    near.on("data", (bytes) => {
      sent += bytes.byteLength;
      carried += bytes.byteLength;
      if (carried > cutAt && !isCut) {
        isCut = true;
        near.resetAndDestroy();
      }
    });
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
  };
  const [name = "", port = ""] = host.split(":");
  const server = createServer((near) => carry(near, connect(Number(port), name)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Uploads the blob to the registry at `host`, and tells from where it was read. */
async function uploadTo(host: string): Promise<readonly number[]> {
  const offsets: number[] = [];
  await using client = createClient({ retry: { minDelay: 1 } });
  const repository = client.registry(host).repository("library/app");
  const put = repository.putBlob(blob.descriptor, (offset, options) => {
    offsets.push(offset);
    return blob.open(offset, options);
  });
  expect(await put).toBe("uploaded");
  expect(await repository.headBlob(blob.descriptor.digest)).toMatchObject({ size: blob.descriptor.size });
  return offsets;
}

describe("an upload whose connection is cut", () => {
  it("to a registry of ours goes on where that registry has it", async () => {
    await using server = await listen(createHandler(createRegistry(createMemoryDriver())));
    await using wire = await openWire(server.host);
    const [first, second = 0] = await uploadTo(wire.host);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(cutAt / 2);
    expect(wire.sent()).toBeLessThan(1.5 * blob.descriptor.size);
  });

  it.skipIf(withoutDistribution !== undefined)(
    "to docker-registry 2.8, which forgets it, begins again",
    async () => {
      await using server = await startDistribution();
      await using wire = await openWire(server.host);
      expect(await uploadTo(wire.host)).toEqual([0, 0]);
    },
  );
});
