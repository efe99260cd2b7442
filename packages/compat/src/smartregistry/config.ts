import type { StorageDriver } from "@drayage/oci";

/** The configuration of a `SmartRegistry`. */
export interface IRegistryConfig {
  /** An S3 store, or any storage of ours, such as `createFilesystemDriver("./data")`. */
  readonly storage: S3Settings | StorageDriver;
  /** What the token service calls this registry. */
  readonly serviceName: string;
  /** The URL of the token service. */
  readonly tokenRealm: string;
  readonly loginCallback: TLoginCallback;
  readonly authCallback: TAuthCallback;
  /** How much a call may hold in memory, in bytes; 2 GiB by default. `getBlobStream` holds nothing. */
  readonly maxBufferedBytes?: number | undefined;
  /** Is told of failures whose results tell nothing: of the storage, and of the callbacks. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** A bucket; `@drayage/registry-s3` has to be installed for it. */
export interface S3Settings {
  readonly accessKey: string;
  readonly accessSecret: string;
  /** The host of the store. */
  readonly endpoint: string;
  /** 443 by default, and 80 without TLS. */
  readonly port?: number | undefined;
  /** Whether the store is spoken to over TLS, as by default. */
  readonly useSsl?: boolean | undefined;
  readonly region?: string | undefined;
  readonly bucketName: string;
}

export interface LoginCredentials {
  readonly username: string;
  readonly password: string;
}

/** Answers with a token for who logs in; throws for who may not. */
export type TLoginCallback = (credentials: LoginCredentials) => Promise<string>;

/**
 * Whether a token allows to `pull`, `push` or `delete`. It is asked for every operation, also without a token, which
 * is then empty; anything but `true` allows nothing.
 */
export type TAuthCallback = (token: string, repository: string, action: string) => Promise<boolean>;
