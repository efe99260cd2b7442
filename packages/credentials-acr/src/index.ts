export type { EntraTokenSource } from "./entra.ts";
export { fromAcr, type AcrOptions } from "./from-acr.ts";
