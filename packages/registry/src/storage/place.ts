import type { StorageDriver } from "@drayage/oci";
import type { RegistryRules } from "./rules.ts";

/** Where the documents of one repository are. */
export interface Place {
  readonly driver: StorageDriver;
  /** The repository's name. */
  readonly name: string;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  readonly rules?: RegistryRules | undefined;
}
