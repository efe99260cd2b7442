import { channel } from "node:diagnostics_channel";
import type { TraceEvent } from "./http/trace.ts";

const channelPrefix = "drayage:client:";

/** The name of the diagnostics channel for one type of event, such as `drayage:client:request`. */
export function diagnosticsChannel(type: TraceEvent["type"]): string {
  return channelPrefix + type;
}

/**
 * A `trace` that publishes each event on the diagnostics channel of its type, for observers that do not hold the client.
 *
 * @see https://nodejs.org/api/diagnostics_channel.html
 * @example
 * subscribe(diagnosticsChannel("request"), (event) => console.log(event));
 * const client = createClient({ trace: createDiagnosticsTrace() });
 */
export function createDiagnosticsTrace(): (event: TraceEvent) => void {
  return (event) => channel(diagnosticsChannel(event.type)).publish(event);
}
