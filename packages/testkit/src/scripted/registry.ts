import type { LookupFunction } from "node:net";
import { sleep, standardQuirks, type Quirks } from "@drayage/oci";
import { answerTo, type AnswerParts } from "./answer.ts";
import type { Guard, ScriptedAuth } from "./authorize.ts";
import { ScriptedContent } from "./content.ts";
import type { ScriptedAnswer } from "./exchange.ts";
import type { ScriptedFeatures } from "./manifests.ts";
import { lookupOf, openOrigins, type Decide, type TestCertificate } from "./origin.ts";
import { createDeviations } from "./quirks/index.ts";
import { createScript, type ScriptAction, type ScriptRule } from "./rule.ts";
import { createTokenServer } from "./token-server.ts";

export interface ScriptedRegistryOptions {
  /** Host names without a port, each with a server of its own; the first is the registry's. */
  readonly origins?: readonly string[] | undefined;
  /** Who may use `/v2/`, at whatever origin; everybody by default. */
  readonly auth?: ScriptedAuth | undefined;
  readonly script?: readonly ScriptRule[] | undefined;
  /** Additions to the distribution-spec; none by default. */
  readonly features?: ScriptedFeatures | undefined;
  /**
   * How it deviates from the distribution-spec; not at all by default. A blob that is not its own to send is in the
   * last of `origins`.
   */
  readonly quirks?: Quirks | undefined;
  /** Speaks HTTPS with this certificate and key, HTTP/2 or 1.1 as the client likes; plain HTTP/1.1 by default. */
  readonly tls?: TestCertificate | undefined;
  /** The time in milliseconds, by which tokens expire. */
  readonly now?: (() => number) | undefined;
}

/** A request, as some origin received it. */
export interface LedgerEntry {
  readonly origin: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Bytes of its body that were taken in. */
  readonly received: number;
  /** Those bytes. */
  readonly body: Uint8Array;
  /** What was answered; 0 if the connection was reset instead. */
  readonly status: number;
  /** The rule that decided over it, if one did. */
  readonly rule: ScriptRule | undefined;
  /** When it was answered, by `performance.now()`. */
  readonly at: number;
  readonly httpVersion: string;
  /** Whether the client showed a certificate of its own. */
  readonly hasCertificate: boolean;
}

/** A small registry that does as it is told, and keeps a record of who sent what where. */
export interface ScriptedRegistry extends AsyncDisposable {
  /** `name:port` of an origin, the first by default. */
  host(origin?: string): string;
  /** The same as a URL without a path. */
  url(origin?: string): string;
  /** Finds every origin's name on loopback, and no other; to be used as `lookup` of a connection. */
  readonly lookup: LookupFunction;
  readonly content: ScriptedContent;
  readonly ledger: readonly LedgerEntry[];
  clearLedger(): void;
  /** Replaces the rules. */
  script(rules: readonly ScriptRule[]): void;
  /** Makes every token that was issued so far invalid, whatever was said of its life. */
  revokeTokens(): void;
  /** Leads the next `count` connections to an origin, the first by default, to where nobody listens. */
  refuseConnections(count: number, origin?: string): void;
  close(): Promise<void>;
}

/**
 * A registry of distribution-spec 1.1 on loopback, with a token server, whose every answer can be overridden.
 *
 * Each origin answers everything: `/v2/…`, `/token`, and `/storage/<repository>/<digest>`, where registries redirect
 * for blobs; the ledger tells who was asked.
 *
 * @example
 * await using registry = await createScriptedRegistry({ auth: { bearer: { anonymous: ["pull"] } } });
 * await registry.content.add("library/app", createImage(), { tags: ["v1"] });
 * registry.script([{ method: "GET", path: "/v2/library/app/blobs/*", nth: 1, cutAfter: 1000 }]);
 */
export async function createScriptedRegistry(
  options: ScriptedRegistryOptions = {},
): Promise<ScriptedRegistry> {
  const { origins = ["registry.test", "auth.test"], auth = "none", features = {} } = options;
  const { quirks = standardQuirks, now = Date.now } = options;
  const content = new ScriptedContent();
  const script = createScript(options.script ?? []);
  const tokens = createTokenServer(typeof auth === "object" && "bearer" in auth ? auth.bearer : {}, now);
  const deviations = createDeviations();
  const ledger: LedgerEntry[] = [];

  const decide: Decide = async (origin, request, body) => {
    const { method, url, headers, httpVersion, hasCertificate } = request;
    const rule = script.ruleFor({ method, origin, url });
    const action: ScriptAction = rule ?? {};
    const taken = await body(action.takeOnly);
    if (action.delay !== undefined) await sleep(action.delay);
    const whole = { ...request, body: taken };
    const answered = action.answer ?? answerTo(partsOf(), whole);
    const answer = withHeaders(action.change?.(answered, whole) ?? answered, action.headers);
    const isRefused = action.takeOnly !== undefined && action.answer === undefined;
    const isReset = action.reset === true || isRefused;
    ledger.push({
      origin,
      method,
      url: url.pathname + url.search,
      headers,
      received: taken.byteLength,
      body: taken,
      status: isReset ? 0 : answer.status,
      rule,
      at: performance.now(),
      httpVersion,
      hasCertificate,
    });
    return isReset ? "reset" : { ...answer, delivery: action };
  };
  const opened = await openOrigins(origins, decide, { tls: options.tls });
  const host = (origin: string = origins[0] ?? ""): string => `${origin}:${opened.portOf(origin)}`;
  const url = (origin?: string): string =>
    `${options.tls === undefined ? "http" : "https"}://${host(origin)}`;
  const refused = new Map<string, number>();
  const guardOf = (): Guard => ({
    auth,
    tokens,
    quirks,
    realm: `${url(realmOf(auth, origins))}/token`,
  });
  const partsOf = (): AnswerParts => ({
    content,
    features,
    guard: guardOf(),
    deviations,
    self: url(),
    storage: url(origins.at(-1)),
  });

  return {
    host,
    url,
    content,
    lookup: lookupOf(origins, refused),
    get ledger() {
      return [...ledger];
    },
    clearLedger: () => void ledger.splice(0),
    script: (rules) => script.replace(rules),
    revokeTokens: () => tokens.revoke(),
    refuseConnections: (count, origin = origins[0] ?? "") => void refused.set(origin, count),
    close: () => opened.close(),
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

function realmOf(auth: ScriptedAuth, origins: readonly string[]): string | undefined {
  const realm = typeof auth === "object" && "bearer" in auth ? auth.bearer.realm : undefined;
  return realm ?? origins[1] ?? origins[0];
}

function withHeaders(
  answer: ScriptedAnswer,
  changes: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): ScriptedAnswer {
  const headers = Object.entries({ ...answer.headers, ...changes }).filter(
    (entry): entry is [string, string | readonly string[]] => entry[1] !== undefined,
  );
  return { ...answer, headers: Object.fromEntries(headers) };
}
