import {
  formatRoute,
  OciError,
  type Action,
  type BudgetKind,
  type CallOptions,
  type HttpHeaders,
  type Route,
  type Scope,
} from "@drayage/oci";
import { mayReceiveSecret } from "./auth/may-receive-secret.ts";
import type { Host } from "./host.ts";
import { drain, release } from "./http/body.ts";
import { fail } from "./http/fail.ts";
import type { Lane, Method, RegistryResponse, RequestBody, Send, Subject } from "./http/message.ts";
import { endpointUrl, redactUrl } from "./http/url.ts";
import type { Settings } from "./options.ts";

/** A request to a registry: a route of its API, or a URL that it named. */
export interface Question extends CallOptions {
  readonly method: Method;
  readonly to: Route | URL;
  readonly subject: Subject;
  /** The answers that are wanted; every other one is thrown as what it means. */
  readonly expect: readonly number[];
  readonly actions: readonly Action[];
  /** Needed besides, such as leave to read where a blob is mounted from. */
  readonly scopes?: readonly Scope[] | undefined;
  readonly headers?: HttpHeaders | undefined;
  readonly body?: RequestBody | undefined;
  readonly lane?: Lane | undefined;
  readonly isRepeatable?: boolean | undefined;
  /** How much of the answer is read in one piece, if it is. */
  readonly bodyLimit?: number | undefined;
  readonly followRedirects?: boolean | undefined;
  readonly counts?: BudgetKind | undefined;
}

/** One repository at a registry, or the registry itself, as something that answers questions. */
export interface Endpoint {
  readonly host: Host;
  /** The repository; empty for the registry itself. */
  readonly name: string;
  readonly settings: Settings;
  /**
   * Resolves to an answer of one of the expected kinds, its body unread.
   *
   * @throws OciError whatever another answer means
   */
  ask(question: Question): Promise<RegistryResponse>;
  /** The same, when nothing but the headers of the answer matters. */
  tell(question: Question): Promise<RegistryResponse>;
}

export interface EndpointOptions {
  readonly host: Host;
  readonly settings: Settings;
  readonly send: Send;
  /** Absent for the registry itself. */
  readonly repository?: string | undefined;
  /** What will be done besides, so that one token serves for all of it. */
  readonly access?: readonly Action[] | undefined;
  /** How often each request is sent at the most; as often as the settings say by default. */
  readonly attempts?: number | undefined;
}

export function createEndpoint(options: EndpointOptions): Endpoint {
  const { host, settings, send, repository, access = [], attempts } = options;
  const asGranted = (action: Action): Action => (action === "delete" ? host.quirks.deleteAction : action);
  const scopesFor = (actions: readonly Action[], besides: readonly Scope[]): readonly Scope[] => {
    const all = [...access, ...actions].map(asGranted);
    if (repository === undefined || all.length === 0) return besides;
    const distinct = all.filter((action, index) => all.indexOf(action) === index);
    return [{ type: "repository", name: repository, actions: distinct }, ...besides];
  };
  const ask = async (question: Question): Promise<RegistryResponse> => {
    const { to, subject, body, expect, actions, scopes = [], lane = "api" } = question;
    const url = to instanceof URL ? to : endpointUrl(formatRoute(to), host.url);
    if (subject === "upload") checkUploadUrl(host, url);
    const permission = { repository, scopes: scopesFor(actions, scopes) };
    let response: RegistryResponse;
    try {
      response = await send({ ...question, host, url, lane, permission, attempts });
    } catch (error) {
      release(body); // it may have failed for want of a token, before anything was sent
      throw error;
    }
    if (expect.includes(response.status)) return response;
    throw await fail(response);
  };
  return {
    host,
    name: repository ?? "",
    settings,
    ask,
    async tell(question) {
      const response = await ask(question);
      await drain(response.body);
      return response;
    },
  };
}

function checkUploadUrl({ name, url: home, options }: Host, url: URL): void {
  if (options.strictUploadHost !== true || mayReceiveSecret(home, url)) return;
  const where = redactUrl(url);
  throw new OciError("URL_REFUSED", `${name} wants an upload sent to ${where}, which is not its own`, {
    url: where,
    hint: `hosts["${name}"].strictUploadHost forbids it`,
  });
}
