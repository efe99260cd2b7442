import {
  createServer,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  type AddressInfo,
  type LookupFunction,
} from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostOf } from "../host.ts";
import { settingsOf, type NetworkOptions } from "../options.ts";
import { errorOf } from "../../fixture/scripted.ts";
import { createDial } from "./dial.ts";

/** Answers each name with its addresses, a further list for each further time it is asked. */
function resolverOf(names: Readonly<Record<string, readonly (readonly string[])[]>>): LookupFunction {
  const asked = new Map<string, number>();
  return (hostname, _options, callback) => {
    const time = asked.get(hostname) ?? 0;
    asked.set(hostname, time + 1);
    const answers = names[hostname] ?? [];
    const addresses = answers[Math.min(time, answers.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
}

interface Scene {
  readonly registry: string;
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>> | undefined;
  readonly network?: NetworkOptions | undefined;
}

/** Dials a target for one registry, and tells the address that it came to. */
function dialer({ registry, names = {}, network = {} }: Scene) {
  const host = hostOf(registry, settingsOf({}));
  const connect = createDial(host, { network, timeout: 1000, resolve: resolverOf(names) })({
    allowH2: false,
  });
  return (url: string) =>
    new Promise<string | undefined>((resolve, reject) => {
      const { hostname, port, protocol } = new URL(url);
      connect({ hostname: hostname.replace(/^\[|\]$/g, ""), port, protocol }, (error, socket) => {
        if (error !== null) return reject(error);
        resolve(socket.remoteAddress);
        socket.destroy();
      });
    });
}

let port: number;
const server = createServer((socket) => socket.end());
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => void server.close());

describe("C6 the address rule", () => {
  const refused = { code: "ADDRESS_REFUSED" };

  it.each(["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[fd00:ec2::254]"])(
    "a public registry does not lead to the literal %s",
    async (address) => {
      const dial = dialer({ registry: "registry.example" });
      expect(await errorOf(dial(`http://${address}:${port}`))).toMatchObject(refused);
    },
  );

  it.each([["127.0.0.1"], ["192.168.0.1"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"]])(
    "a public registry does not lead to a name at %s",
    async (...addresses) => {
      const dial = dialer({ registry: "registry.example", names: { "evil.example": [addresses] } });
      expect(await errorOf(dial(`http://evil.example:${port}`))).toMatchObject(refused);
    },
  );

  it("the registry that the user named is dialled wherever it is", async () => {
    const dial = dialer({
      registry: `registry.example:${port}`,
      names: { "registry.example": [["127.0.0.1"]] },
    });
    expect(await dial(`http://registry.example:${port}`)).toBe("127.0.0.1");
  });

  it("a private registry leads to private addresses, and not to this machine", async () => {
    const names = { "registry.example": [["127.0.0.1"]] };
    const loopback = dialer({
      registry: `localhost:${port}`,
      names: { localhost: [["127.0.0.1"]], ...names },
    });
    expect(await loopback(`http://localhost:${port}`)).toBe("127.0.0.1");
    expect(await loopback(`http://registry.example:${port}`)).toBe("127.0.0.1");
    const near = dialer({ registry: "10.0.0.1:5000" });
    expect(await errorOf(near(`http://127.0.0.1:${port}`))).toMatchObject(refused);
  });

  it("a registry that is named by its address leads as deep as that, before it was dialled too", async () => {
    const names = { "near.example": [["127.0.0.1"]] };
    const loopback = dialer({ registry: `127.0.0.1:${port}`, names });
    expect(await loopback(`http://near.example:${port}`)).toBe("127.0.0.1");
    const sixth = dialer({ registry: `[::1]:${port}`, names });
    expect(await sixth(`http://near.example:${port}`)).toBe("127.0.0.1");
    expect(await errorOf(sixth("http://[::1]:1"))).not.toMatchObject(refused);
  });

  it("a registry at an address that is never dialled otherwise leads to public addresses only", async () => {
    const dial = dialer({ registry: "169.254.169.254:80" });
    expect(await errorOf(dial(`http://127.0.0.1:${port}`))).toMatchObject(refused);
  });

  it("not even a registry on this machine leads to where clouds keep credentials", async () => {
    const dial = dialer({ registry: `127.0.0.1:${port}` });
    expect(await errorOf(dial("http://169.254.169.254"))).toMatchObject(refused);
  });

  it("a name that changes its address is checked each time, and the checked address is dialled", async () => {
    const names = { localhost: [["127.0.0.1"]], "evil.example": [["127.0.0.1"], ["169.254.169.254"]] };
    const dial = dialer({ registry: `localhost:${port}`, names });
    expect(await dial(`http://localhost:${port}`)).toBe("127.0.0.1");
    expect(await dial(`http://evil.example:${port}`)).toBe("127.0.0.1");
    expect(await errorOf(dial(`http://evil.example:${port}`))).toMatchObject(refused);
  });

  it("names that the user resolves may be private, but are never where clouds keep credentials", async () => {
    const lookup = resolverOf({ "cdn.example": [["127.0.0.1"]], "evil.example": [["169.254.169.254"]] });
    const dial = dialer({ registry: "registry.example", network: { lookup } });
    expect(await dial(`http://cdn.example:${port}`)).toBe("127.0.0.1");
    expect(await errorOf(dial("http://evil.example"))).toMatchObject(refused);
    expect(await errorOf(dial(`http://127.0.0.1:${port}`))).toMatchObject(refused);
  });

  it("network.allow permits single addresses, told for whom, but never where clouds keep credentials", async () => {
    const asked: unknown[] = [];
    const allow = (address: string, context: unknown): boolean => asked.push({ address, context }) > 0;
    const dial = dialer({ registry: "registry.example", network: { allow } });
    expect(await dial(`http://127.0.0.1:${port}`)).toBe("127.0.0.1");
    expect(await errorOf(dial("http://169.254.169.254"))).toMatchObject(refused);
    const context = { hostname: "127.0.0.1", registry: "registry.example" };
    expect(asked).toEqual([{ address: "127.0.0.1", context }]);
  });
});

describe("what is told of a refused address", () => {
  it("is who led to it, where it is, and what could permit it", async () => {
    const names = { "evil.example": [["10.0.0.1"]] };
    const dial = dialer({ registry: "registry.example", names });
    const named = await errorOf(dial("http://evil.example"));
    expect(String(named)).toContain("registry.example leads to evil.example at 10.0.0.1, a private address");
    expect(named).toMatchObject({ hint: "network.allow can permit it" });
    const literal = await errorOf(dial("http://10.0.0.1"));
    expect(String(literal)).toContain("registry.example leads to 10.0.0.1, a private address");
  });

  it("is nothing that could permit it where nothing can", async () => {
    const dial = dialer({ registry: "registry.example" });
    const error = await errorOf(dial("http://169.254.169.254"));
    expect(String(error)).toContain("169.254.169.254, a reserved address");
    expect(error).not.toHaveProperty("hint");
  });
});

describe("a lookup", () => {
  it.each<[string, Parameters<Parameters<LookupFunction>[2]>]>([
    ["with one address although all were asked for", [null, "127.0.0.1", 4]],
    ["with more than addresses", [null, [{ address: "registry.example", family: 0 }, at("127.0.0.1")]]],
  ])("that answers %s is taken", async (_what, answer) => {
    const lookup: LookupFunction = (_hostname, _options, callback) => callback(...answer);
    const dial = dialer({ registry: "registry.example", network: { lookup } });
    expect(await dial(`http://cdn.example:${port}`)).toBe("127.0.0.1");
  });

  it("that is asked for one address gets one", async () => {
    const isSelecting = getDefaultAutoSelectFamily();
    setDefaultAutoSelectFamily(false);
    try {
      const found = [{ address: "registry.example", family: 0 }, at("127.0.0.1"), at("127.0.0.2")];
      const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, found);
      const dial = dialer({ registry: "registry.example", network: { lookup } });
      expect(await dial(`http://cdn.example:${port}`)).toBe("127.0.0.1");
    } finally {
      setDefaultAutoSelectFamily(isSelecting);
    }
  });

  it("that finds nothing is a failed connection", async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) => callback(null, []);
    const dial = dialer({ registry: "registry.example", network: { lookup } });
    expect(await errorOf(dial("http://cdn.example"))).toMatchObject({ code: "CONNECTION_FAILED" });
  });

  it("that fails is asked for no address, and need not say that there is none, as the system's does not", async () => {
    const failure = Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    for (const answer of [[failure, [at("127.0.0.1")]], [failure]]) {
      const lookup: LookupFunction = (_hostname, _options, callback) => {
        Reflect.apply(callback, undefined, answer);
      };
      const dial = dialer({ registry: "registry.example", network: { lookup } });
      expect(await errorOf(dial(`http://cdn.example:${port}`))).toBe(failure);
    }
  });
});

function at(address: string): { readonly address: string; readonly family: number } {
  return { address, family: 4 };
}
