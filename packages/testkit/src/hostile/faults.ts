import { sessionFaults, statusFaults } from "./faults-of-status.ts";
import { transferFaults } from "./faults-of-transfer.ts";
import type { Fault } from "./fault.ts";

/** Every way of failing that a client is held against. */
export const faults: readonly Fault[] = [...transferFaults, ...statusFaults, ...sessionFaults];
