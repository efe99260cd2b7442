import type { ScriptedAnswer } from "./exchange.ts";

/** What happens to a request, instead of or on top of what the registry answers. */
export interface ScriptAction {
  /** Answered instead of asking the registry, which then does not see the request. */
  readonly answer?: ScriptedAnswer | undefined;
  /** Headers that are added to what is answered; `undefined` takes one away. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>> | undefined;
  /** Waits for this many milliseconds before it answers. */
  readonly delay?: number | undefined;
  /** Resets the connection once the request has been read; the registry has done what was asked. */
  readonly reset?: boolean | undefined;
  /** Resets the connection after this many bytes of the answer's body. */
  readonly cutAfter?: number | undefined;
  /** Takes in only this many bytes of the request's body, then resets the connection. */
  readonly takeOnly?: number | undefined;
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
}

/** Rules that know how often each of them has matched. */
export interface Script {
  /** The first rule's action for a request; counts it for every rule it matches. */
  actionFor(request: {
    readonly method: string;
    readonly origin: string;
    readonly path: string;
  }): ScriptAction;
  /** Replaces the rules, all counts at zero. */
  replace(rules: readonly ScriptRule[]): void;
}

export function createScript(initial: readonly ScriptRule[]): Script {
  let entries = entriesOf(initial);
  return {
    actionFor(request) {
      let action: ScriptAction | undefined;
      for (const entry of entries) {
        if (!entry.matches(request)) continue;
        entry.count++;
        if (isTurn(entry.rule, entry.count)) action ??= entry.rule;
      }
      return action ?? {};
    },
    replace(rules) {
      entries = entriesOf(rules);
    },
  };
}

function entriesOf(rules: readonly ScriptRule[]) {
  return rules.map((rule) => {
    const parts = rule.path.split("*");
    return {
      rule,
      count: 0,
      matches: ({ method, origin, path }: { method: string; origin: string; path: string }): boolean =>
        (rule.method ?? method) === method && (rule.origin ?? origin) === origin && fits(path, parts),
    };
  });
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
