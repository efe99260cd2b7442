export type { AwsIdentity } from "./authorization.ts";
export { fromEcr, type EcrLocation, type EcrOptions } from "./from-ecr.ts";
