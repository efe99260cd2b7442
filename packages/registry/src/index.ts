export { createMemoryDriver } from "./drivers/memory.ts";
export { createRegistry, type RegistryOptions } from "./registry.ts";
export type {
  AppendOptions,
  Appended,
  BlobStore,
  CommitOptions,
  DocumentPage,
  DocumentStat,
  DocumentStore,
  ListDocumentsOptions,
  NewUpload,
  PutDocumentOptions,
  ReadPart,
  StorageDriver,
  StoredDocument,
  UploadToken,
} from "./storage/driver.ts";
