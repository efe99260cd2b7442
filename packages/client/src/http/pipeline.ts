import { authorize } from "../auth/authorize.ts";
import type { Hosts } from "../host.ts";
import type { Settings } from "../options.ts";
import type { Agents } from "./agent.ts";
import { limit } from "./limit.ts";
import type { Layer, Send } from "./message.ts";
import { createHttpSend } from "./plain.ts";
import { redirect } from "./redirect.ts";
import { retry } from "./retry.ts";
import { createSend } from "./send.ts";
import { trace } from "./trace.ts";

/** The ways a request can take. */
export interface Pipelines {
  /** For the endpoints of a registry. */
  readonly registry: Send;
  /** For what others ask through us, with what they bring to prove themselves. */
  readonly plain: Send;
}

export interface PipelineParts {
  readonly agents: Agents;
  readonly hosts: Hosts;
  readonly settings: Settings;
}

/** Builds the ways of requests: each passes its layers from left to right, its answer the other way. */
export function createPipelines({ agents, hosts, settings }: PipelineParts): Pipelines {
  const wire = stack([redirect(), trace(settings)], createSend(agents, settings));
  const limited = limit(settings);
  // A token is fetched while its request holds a place, so it must not need one; nor must a provider's exchange.
  const tokens = stack([retry(settings)], wire);
  const send = createHttpSend(wire, hosts);
  return {
    registry: stack([retry(settings), limited, authorize(tokens, { ...settings, send })], wire),
    plain: stack([limited], wire),
  };
}

function stack(layers: readonly Layer[], send: Send): Send {
  return layers.reduceRight((next, layer) => layer(next), send);
}
