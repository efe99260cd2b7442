import { createClient, type TraceEvent } from "@drayage/client";
import { copy } from "@drayage/copy";
import { chain, fromStatic, parseReference } from "@drayage/oci";
import { clientContract, type HostileWorld, type OpenedClient } from "@drayage/testkit";

/** Our client and `copy()`, with less patience than they have by default. */
function openClient(world: HostileWorld): OpenedClient {
  const shown: TraceEvent[] = [];
  const client = createClient({
    credentials: chain(...world.logins.map(({ host, ...login }) => fromStatic(host, login))),
    hosts: {
      [world.source.host()]: { plainHttp: true },
      [world.target.host()]: { plainHttp: true, quirks: world.targetQuirks },
    },
    network: { lookup: world.lookup },
    retry: { minDelay: 1, maxDelay: 5 },
    timeouts: { headers: 1000, idle: 150 },
    trace: (event) => shown.push(event),
    now: world.now,
  });
  return {
    async copy(from, to) {
      const at = parseReference(from).tag ?? "";
      const source = { repository: client.repository(from, { access: ["pull"] }), at };
      const target = { repository: client.repository(to, { access: ["pull", "push"] }), tags: [at] };
      await copy(source, target, { referrers: true });
    },
    shown,
    close: () => client.close(),
  };
}

clientContract({ name: "@drayage/client", open: openClient });
clientContract({ name: "@drayage/client", open: openClient, copies: "index with referrers" });
