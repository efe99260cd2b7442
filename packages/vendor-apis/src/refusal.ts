import {
  isOciError,
  type DeleteResult,
  type OciError,
  type OciErrorCode,
  type Refusal,
  type RefusalReason,
} from "@drayage/oci";

/** Reasons by the names that a registry has for its errors. */
export type Refusals = ReadonlyMap<string, RefusalReason>;

const byCode: ReadonlyMap<OciErrorCode, RefusalReason> = new Map([
  ["UNSUPPORTED", "unsupported"],
  ["DENIED", "denied"],
]);

/** What `attempt` gives; where it fails for good, the refusal that the failure is. */
export async function orRefusal(
  attempt: () => Promise<DeleteResult | Refusal>,
  refusals: Refusals = new Map(),
): Promise<DeleteResult | Refusal> {
  try {
    return await attempt();
  } catch (error) {
    if (!isOciError(error)) throw error;
    const reason = reasonOf(error, refusals) ?? byCode.get(error.code);
    if (reason === undefined) throw error;
    return { refused: reason, message: error.registryErrors?.[0]?.message ?? error.message };
  }
}

function reasonOf({ registryErrors = [] }: OciError, refusals: Refusals): RefusalReason | undefined {
  return registryErrors.map(({ code }) => refusals.get(code)).find((reason) => reason !== undefined);
}
