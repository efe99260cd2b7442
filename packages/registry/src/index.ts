export { createExpressMiddleware, type ExpressMiddleware } from "./adapters/express.ts";
export { createFastifyPlugin, type FastifyInstance, type FastifyPlugin } from "./adapters/fastify.ts";
export { createFetchHandler, type FetchHandler } from "./adapters/fetch.ts";
export { createHonoMiddleware, type HonoMiddleware } from "./adapters/hono.ts";
export { anyAccounts, type Account, type Accounts, type Login } from "./auth/accounts.ts";
export {
  anyMethod,
  type Authenticate,
  type AuthenticationMethod,
  type AuthenticationRequest,
  type ChallengeFor,
  type ChallengeRequest,
  type Peer,
  type Proof,
} from "./auth/authenticate.ts";
export {
  allowKnown,
  parseAllowed,
  restrictScopes,
  type AuthorizationRequest,
  type Authorize,
} from "./auth/authorize.ts";
export { basicMethod } from "./auth/basic.ts";
export { basicChallenge, bearerChallenge } from "./auth/challenge.ts";
export { certificateMethod, type CertificateOptions } from "./auth/client-certificate.ts";
export { parseGlob, type Glob } from "./auth/glob.ts";
export { parseScopeList, type Identity } from "./auth/identity.ts";
export {
  authorizeBy,
  parsePolicy,
  type Policy,
  type PolicyAction,
  type PolicyRule,
} from "./auth/policy.ts";
export { createFilesystemDriver, type FilesystemDriverOptions } from "./drivers/filesystem.ts";
export { createMemoryDriver, type MemoryDriverOptions } from "./drivers/memory.ts";
export { collectGarbage, type CollectGarbageOptions } from "./gc/collect.ts";
export { expireUploads, type ExpiredUploads, type ExpireUploadsOptions } from "./gc/expire.ts";
export type {
  GarbageBlob,
  GarbageDocument,
  GarbagePlan,
  GarbageReport,
  GarbageRules,
  RemovedGarbage,
} from "./gc/garbage.ts";
export { planGarbage, type PlanGarbageOptions } from "./gc/plan.ts";
export { scrub, type DamagedContent, type ScrubOptions, type ScrubReport } from "./gc/scrub.ts";
export { createHandler, type Handler, type ServeOptions } from "./handler.ts";
export { healthEndpoints, probeStorage, type HealthOptions } from "./health.ts";
export type { CloseOptions } from "./http/close.ts";
export type { Endpoint, EndpointCall, Endpoints } from "./http/endpoint.ts";
export {
  emptyReply,
  jsonReply,
  type Limits,
  type Method,
  type Reply,
  type RequestBody,
} from "./http/exchange.ts";
export { failureOf, type Failure } from "./http/failure.ts";
export { listen, type ListenOptions, type RegistryServer } from "./listen.ts";
export type { FailedRequest, HandlerOptions, ServedRequest } from "./options.ts";
export { createRegistry, type RegistryOptions } from "./registry.ts";
export type { Quota, RegistryRules } from "./storage/rules.ts";
