/** Where a token for a registry host is asked for. */
export type EcrHost =
  | {
      readonly kind: "private";
      readonly region: string;
      readonly fips: boolean;
      readonly dualStack: boolean;
      /** The API's address, where it is not the one that AWS publishes for the region. */
      readonly endpoint?: string | undefined;
    }
  | { readonly kind: "public" };

interface Suffix {
  readonly service: "dkr.ecr" | "dkr-ecr";
  /** How the names of the partition's regions begin. */
  readonly regions: RegExp;
}

const commercial = /^(?!cn-|eusc-|us-iso|eu-iso)/;

/** The DNS suffixes of AWS's partitions; `dkr-ecr` names are the dual-stack ones. */
const suffixes: ReadonlyMap<string, Suffix> = new Map([
  ["amazonaws.com", { service: "dkr.ecr", regions: commercial }],
  ["on.aws", { service: "dkr-ecr", regions: commercial }],
  ["amazonaws.com.cn", { service: "dkr.ecr", regions: /^cn-/ }],
  ["on.amazonwebservices.com.cn", { service: "dkr-ecr", regions: /^cn-/ }],
  ["amazonaws.eu", { service: "dkr.ecr", regions: /^eusc-/ }],
  ["c2s.ic.gov", { service: "dkr.ecr", regions: /^us-iso-/ }],
  ["sc2s.sgov.gov", { service: "dkr.ecr", regions: /^us-isob-/ }],
  ["cloud.adc-e.uk", { service: "dkr.ecr", regions: /^eu-isoe-/ }],
  ["csp.hci.ic.gov", { service: "dkr.ecr", regions: /^us-isof-/ }],
]);

const publicHosts: ReadonlySet<string> = new Set(["public.ecr.aws", "ecr-public.aws.com"]);

/** account, service, `-fips`, region, suffix; the region becomes part of an API host, so it is spelled out */
const privateHost =
  /^\d{12}\.(?<service>dkr[.-]ecr)(?<fips>-fips)?\.(?<region>[a-z]{2,5}-[a-z]{2,12}(?:-[a-z]{2,12})?-\d{1,2})\.(?<suffix>[a-z0-9.-]{6,40})$/;

/**
 * What `registry` says about itself, or `undefined` if it is not a name that only AWS can own.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 */
export function parseEcrHost(registry: string): EcrHost | undefined {
  if (publicHosts.has(registry)) return { kind: "public" };
  const parts = privateHost.exec(registry)?.groups;
  const { service, fips, region, suffix } = parts ?? {};
  if (region === undefined || suffix === undefined) return undefined;
  const row = suffixes.get(suffix);
  if (row?.service !== service || !row?.regions.test(region)) return undefined;
  return { kind: "private", region, fips: fips !== undefined, dualStack: service === "dkr-ecr" };
}
