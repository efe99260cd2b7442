export { createFilesystemDriver, type FilesystemDriverOptions } from "./drivers/filesystem.ts";
export { createMemoryDriver, type MemoryDriverOptions } from "./drivers/memory.ts";
export {
  createHandler,
  type FailedRequest,
  type Handler,
  type HandlerOptions,
  type ServeOptions,
} from "./handler.ts";
export type { Limits } from "./http/exchange.ts";
export { listen, type ListenOptions, type RegistryServer } from "./listen.ts";
export { createRegistry, type RegistryOptions } from "./registry.ts";
export type { RegistryRules } from "./storage/rules.ts";
