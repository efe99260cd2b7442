import { execFile, spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { answering, freePort } from "./port.ts";

/** OpenStack Swift with its S3 API, as Debian packages it: one node, one device, one replica. */
export interface Swift {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  close(): Promise<void>;
}

const run = promisify(execFile);
const services = ["account", "container", "object"] as const;
const needed = [...services, "proxy"].map((service) => `/usr/bin/swift-${service}-server`);

/** Why tests cannot have Swift here; on CI that is a failure instead. */
export const withoutSwift: string | undefined = reasonAgainst();

function reasonAgainst(): string | undefined {
  try {
    for (const program of needed) accessSync(program, constants.X_OK);
    return undefined;
  } catch (cause) {
    if (process.env["CI"] === "true") throw new Error(`${needed.join(", ")} are needed on CI`, { cause });
    return " is not installed as /usr/bin/swift-*-server";
  }
}

/** Starts an empty Swift on free loopback ports. */
export async function startSwift(): Promise<Swift> {
  const directory = await mkdtemp(join(tmpdir(), "swift-"));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(children.map(ended));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await mkdir(join(directory, "node", "d1"), { recursive: true });
    const ports = new Map<string, number>();
    for (const service of services) ports.set(service, await configure(directory, service));
    const rings = [...ports].flatMap(([service, port]) => [service, String(port)]);
    await run("/usr/bin/python3", ["-c", ringsProgram, ...rings], { cwd: directory });
    const proxy = await freePort();
    await writeFile(join(directory, "proxy.conf"), base(directory, proxy) + proxyPipeline);
    ports.set("proxy", proxy);
    for (const service of ports.keys()) {
      const file = join(directory, `${service}.conf`);
      children.push(spawn(`/usr/bin/swift-${service}-server`, [file], { stdio: "ignore" }));
    }
    await Promise.all([...ports.values()].map(answering));
    const credentials = { accessKeyId: "test:tester", secretAccessKey: "testing" };
    return { endpoint: `http://127.0.0.1:${proxy}`, credentials, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Writes the configuration of a service. Resolves to its port. */
async function configure(directory: string, service: string): Promise<number> {
  const port = await freePort();
  const pipeline = `[pipeline:main]
pipeline = ${service}-server
[app:${service}-server]
use = egg:swift#${service}
`;
  await writeFile(join(directory, `${service}.conf`), base(directory, port) + pipeline);
  return port;
}

/** Makes the rings by which the services are found: sixteen partitions, one replica, one device. */
const ringsProgram = `
import sys
from swift.common.ring import RingBuilder
for service, port in zip(sys.argv[1::2], sys.argv[2::2]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=int(port), device="d1", weight=1, meta=""))
    builder.rebalance()
    builder.get_ring().save(service + ".ring.gz")
`;

function base(directory: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${directory}
devices = ${join(directory, "node")}
mount_check = false
`;
}

// Without memcached, whose place nobody takes: there is nothing that has to be fast.
const proxyPipeline = `[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`;

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await exit;
}
