import type { CredentialProvider, Resource } from "@drayage/oci";

/** A credential provider that the contract is held against. */
export interface CredentialProviderSubject {
  readonly name: string;
  /** Resources it has a credential for, at least one. */
  readonly own: readonly [Resource, ...Resource[]];
  /** Resources it has nothing for; names that only look like its own are added by the contract. */
  readonly foreign: readonly Resource[];
  /** How long its credentials serve, in milliseconds; absent where they tell no expiry, whose rules are then left out. */
  readonly life?: number | undefined;
  /** By title, the cases that do not apply, and why. */
  readonly skips?: Readonly<Record<string, string>> | undefined;
  /** A new provider that has not been called, over an outside world of its own; called for every case. */
  open(): Promise<CredentialWorld>;
}

/** A provider and what it stands on, in the hands of the test. */
export interface CredentialWorld {
  readonly provider: CredentialProvider;
  /**
   * How many requests were sent and processes started so far to get a credential, those that fail or hang
   * included. Reading the configuration that says which registries are the provider's own does not count.
   */
  lookups(): number | Promise<number>;
  /** Every secret that this world has given to the provider, and those it would give next. */
  secrets(): readonly string[];
  /** From now on lookups fail, with a message in which a secret occurs, where the outside could do that. */
  fail(): void | Promise<void>;
  /** From now on lookups begin, but do not end. */
  stall(): void | Promise<void>;
  /** Ends what {@link fail} and {@link stall} began; lookups that hang go on. */
  restore(): void | Promise<void>;
  /** From now on lookups give another secret; nothing to do where every lookup does. */
  rotate(): void | Promise<void>;
  /** The clock that provider and outside share; needed where the subject has a `life`. */
  readonly clock?: CredentialClock | undefined;
  close?(): void | Promise<void>;
}

export interface CredentialClock {
  /** The time in milliseconds since 1970. */
  now(): number;
  advance(milliseconds: number): void;
}

/** One rule that every credential provider keeps. */
export interface CredentialCase {
  readonly title: string;
  run(context: CredentialContext): Promise<void>;
}

export interface CredentialContext {
  readonly subject: CredentialProviderSubject;
  readonly world: CredentialWorld;
  /** Another world, to compare with; it is closed with the case. */
  open(): Promise<CredentialWorld>;
}
