import type { LookupFunction } from "node:net";
import type { Quirks } from "@drayage/oci";
import { createCargo, fixturesIn, spread, type Cargo, type CargoKind } from "./cargo.ts";
import { createScriptedRegistry, type ScriptedRegistry } from "../scripted/registry.ts";
import type { ScriptRule } from "../scripted/rule.ts";
import { leaksOf, type Canary } from "./canary.ts";
import type { Fault } from "./fault.ts";

/** Who a client is at one registry. */
export interface HostileLogin {
  /** `name:port` of the registry. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Two registries, `source.test` and `target.test`, with the same fault in store for every client. */
export interface HostileWorld extends AsyncDisposable {
  readonly source: ScriptedRegistry;
  readonly target: ScriptedRegistry;
  /** All that the two have been told to do. */
  readonly rules: readonly ScriptRule[];
  /** What is at `app:v1` of the source, and what refers to it. */
  readonly cargo: Cargo;
  /** The only way to find either; both speak plain HTTP. */
  readonly lookup: LookupFunction;
  /** The passwords for the two; each is for its own registry only. */
  readonly logins: readonly HostileLogin[];
  /** What is known beforehand of how the target deviates. */
  readonly targetQuirks: Partial<Quirks>;
  /** The time that tokens expire by, in milliseconds; real time plus what a fault has let pass. */
  readonly now: () => number;
  letPass(milliseconds: number): void;
  /** Where secrets went that should not have gone there. */
  leaks(values: readonly unknown[]): readonly string[];
}

export async function openWorld(fault: Fault, kind: CargoKind = "image"): Promise<HostileWorld> {
  let passed = 0;
  const now = (): number => performance.now() + passed;
  const open = (name: string): Promise<ScriptedRegistry> =>
    createScriptedRegistry({
      origins: [`${name}.test`, `storage.${name}.test`],
      auth: {
        bearer: { users: { [name]: passwordOf(name) }, realm: `${name}.test`, expiresIn: fault.tokenLife },
      },
      now,
    });
  const [source, target] = [await open("source"), await open("target")];
  const cargo = createCargo(kind);
  for (const fixture of fixturesIn(cargo)) {
    await source.content.add("app", fixture, { tags: fixture === cargo.root ? ["v1"] : [] });
  }
  const rules: ScriptRule[] = [];
  const world: HostileWorld = {
    source,
    target,
    rules,
    cargo,
    lookup: (hostname, options, callback) =>
      (hostname.endsWith("target.test") ? target : source).lookup(hostname, options, callback),
    logins: [
      { host: source.host(), username: "source", password: passwordOf("source") },
      { host: target.host(), username: "target", password: passwordOf("target") },
    ],
    targetQuirks: fault.targetQuirks ?? {},
    now,
    letPass: (milliseconds) => void (passed += milliseconds),
    leaks: (values) => leaksOf(canaries, { ledger: [...source.ledger, ...target.ledger], values }),
    async [Symbol.asyncDispose]() {
      await source.close();
      await target.close();
    },
  };
  const given = (script: readonly ScriptRule[] = []) => (kind === "image" ? script : script.map(spread));
  const atSource = given(fault.source?.(world));
  const atTarget = given(fault.target?.(world));
  rules.push(...atSource, ...atTarget);
  source.script(atSource);
  target.script(atTarget);
  fault.arrange?.(world);
  return world;
}

function passwordOf(name: string): string {
  return `canary-of-the-${name}-registry`;
}

const canaries: readonly Canary[] = ["source", "target"].map((name) => ({
  secret: passwordOf(name),
  origins: [`${name}.test`],
}));
