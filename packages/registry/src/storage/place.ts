import type { StorageDriver } from "@drayage/oci";
import type { Quotas } from "./quotas.ts";
import type { RegistryRules } from "./rules.ts";

/** Where the documents of one repository are. */
export interface Place {
  readonly driver: StorageDriver;
  /** The repository's name. */
  readonly name: string;
  /** Whose uploads are begun and gone on with. */
  readonly owner?: string | undefined;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  readonly rules?: RegistryRules | undefined;
  /** What the quotas of the rules are held against. */
  readonly quotas?: Quotas | undefined;
}
