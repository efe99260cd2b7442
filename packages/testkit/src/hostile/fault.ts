import type { OciErrorCode, Quirks } from "@drayage/oci";
import type { ScriptRule } from "../scripted/rule.ts";
import type { HostileWorld } from "./world.ts";

/** One way in which registries and networks fail, and what a copy must come to nevertheless. */
export interface Fault {
  readonly title: string;
  /** What happens at the registry that is copied from. */
  readonly source?: ((world: HostileWorld) => readonly ScriptRule[]) | undefined;
  /** What happens at the registry that is copied to. */
  readonly target?: ((world: HostileWorld) => readonly ScriptRule[]) | undefined;
  /** What happens besides, before the copy begins. */
  readonly arrange?: ((world: HostileWorld) => void) | undefined;
  /** What the client is told of the target, so that it does what the fault is about. */
  readonly targetQuirks?: Partial<Quirks> | undefined;
  /** In seconds. */
  readonly tokenLife?: number | undefined;
  /** Why the copy must fail, its target left without the image; it must end complete unless this is given. */
  readonly refusal?: OciErrorCode | undefined;
  /** What else was wrong, in words. */
  readonly problem?: ((world: HostileWorld) => string | undefined) | undefined;
}
