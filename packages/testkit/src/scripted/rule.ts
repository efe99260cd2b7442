import type { ScriptedAnswer, ScriptedRequest } from "./exchange.ts";

/** What happens to a request, instead of or on top of what the registry answers. */
export interface ScriptAction {
  /** Answered instead of asking the registry, which then does not see the request. */
  readonly answer?: ScriptedAnswer | undefined;
  /** Headers that are added to what is answered; `undefined` takes one away. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** Makes something else of what is answered, once the registry has done what was asked. */
  readonly change?: ((answer: ScriptedAnswer, request: ScriptedRequest) => ScriptedAnswer) | undefined;
  /** Waits for this many milliseconds before it answers. */
  readonly delay?: number | undefined;
  /** Resets the connection once the request has been read; the registry has done what was asked. */
  readonly reset?: boolean | undefined;
  /** Ends the connection after this many bytes of the answer's body. */
  readonly cutAfter?: number | undefined;
  /** How the connection ends that is cut: with a FIN, or with a RST, which loses what was on its way. */
  readonly cutBy?: "end" | "reset" | undefined;
  /** Sends this many bytes of the answer's body, then nothing more until the client leaves. */
  readonly stallAfter?: number | undefined;
  /** Sends the answer's body in pieces, a moment apart from each other. */
  readonly pace?: Pace | undefined;
  /** Sends the answer's body over and over, until the client leaves. */
  readonly endless?: boolean | undefined;
  /** Takes in only this many bytes of the request's body, then answers with `answer`, or resets the connection. */
  readonly takeOnly?: number | undefined;
}

export interface Pace {
  /** The size of the pieces. */
  readonly bytes: number;
  /** The milliseconds between them. */
  readonly every: number;
  /** Called between them, such as to let much more time pass by the clock of a test. */
  readonly between?: (() => void) | undefined;
}

/** What happens to the requests that match. */
export interface ScriptRule extends ScriptAction {
  /** Any method by default. */
  readonly method?: string | undefined;
  /** The whole path, where `*` stands for anything; the query is not looked at. */
  readonly path: string;
  /** Any origin by default. */
  readonly origin?: string | undefined;
  /** Which of the matching requests, the first being 1; all by default. */
  readonly nth?: number | readonly number[] | undefined;
  /** Counts the requests for each blob apart, by the digest in the URL; for each path where there is none. */
  readonly per?: "blob" | undefined;
}

interface Asked {
  readonly method: string;
  readonly origin: string;
  readonly url: URL;
}

/** Rules that know how often each of them has matched. */
export interface Script {
  /** The first rule whose turn it is; counts the request for every rule it matches. */
  ruleFor(request: Asked): ScriptRule | undefined;
  /** Replaces the rules, all counts at zero. */
  replace(rules: readonly ScriptRule[]): void;
}

export function createScript(initial: readonly ScriptRule[]): Script {
  let entries = initial.map(entryOf);
  return {
    ruleFor(request) {
      const due = entries.filter((entry) => entry.isDue(request));
      return due[0]?.rule;
    },
    replace(rules) {
      entries = rules.map(entryOf);
    },
  };
}

function entryOf(rule: ScriptRule) {
  const parts = rule.path.split("*");
  const counts = new Map<string, number>();
  return {
    rule,
    /** Counts the request if it matches. */
    isDue({ method, origin, url }: Asked): boolean {
      if ((rule.method ?? method) !== method || (rule.origin ?? origin) !== origin) return false;
      if (!fits(url.pathname, parts)) return false;
      const key = rule.per === "blob" ? blobOf(url) : "";
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return isTurn(rule, count);
    },
  };
}

function blobOf(url: URL): string {
  const { pathname, searchParams } = url;
  return searchParams.get("digest") ?? searchParams.get("mount") ?? pathname;
}

/** Whether `path` consists of `parts`, in their order, with anything between them. */
function fits(path: string, parts: readonly string[]): boolean {
  const [first = "", ...others] = parts;
  const last = others.pop();
  if (last === undefined) return path === first;
  if (!path.startsWith(first) || path.length < first.length + last.length || !path.endsWith(last))
    return false;
  const end = path.length - last.length;
  let from = first.length;
  for (const part of others) {
    const at = path.indexOf(part, from);
    if (at < 0 || at + part.length > end) return false;
    from = at + part.length;
  }
  return true;
}

function isTurn({ nth }: ScriptRule, count: number): boolean {
  return nth === undefined || (typeof nth === "number" ? nth === count : nth.includes(count));
}
