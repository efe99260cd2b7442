import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createImage } from "@drayage/testkit";
import { expect, test } from "vitest";
import { createDiagnosticsTrace, diagnosticsChannel } from "./diagnostics.ts";
import { openScripted } from "../fixture/scripted.ts";

test("every event comes out of the channel of its type", async () => {
  const received: unknown[] = [];
  const listener = (event: unknown): void => void received.push(event);
  const events: unknown[] = [];
  const publish = createDiagnosticsTrace();
  await using opened = await openScripted({ auth: { bearer: { anonymous: ["pull"] } } }, (server) => ({
    hosts: { [server.host()]: { plainHttp: true } },
    network: { lookup: server.lookup },
    trace(event) {
      events.push(event);
      publish(event);
    },
  }));
  await opened.server.content.add("library/app", createImage(), { tags: ["v1"] });
  subscribe(diagnosticsChannel("request"), listener);
  subscribe(diagnosticsChannel("token"), listener);
  try {
    await opened.repository.getManifest("v1");
  } finally {
    unsubscribe(diagnosticsChannel("request"), listener);
    unsubscribe(diagnosticsChannel("token"), listener);
  }
  expect(received).toHaveLength(4); // refused, the token's own request, the token, answered
  expect(received).toEqual(events);
});

test("the names of the channels are fixed", () => {
  expect(diagnosticsChannel("rate-limit")).toBe("drayage:client:rate-limit");
});
