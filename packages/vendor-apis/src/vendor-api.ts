import type {
  BlobWriter,
  ContentDeleter,
  CredentialProvider,
  Deleter,
  HttpSend,
  ManifestInventory,
  ManifestReader,
  ManifestWriter,
} from "@drayage/oci";

/** What a registry offers for one repository beyond the protocol, in the two interfaces that a cleanup takes. */
export interface VendorApi {
  /** Lists manifests with their tags and times. */
  readonly listing: ManifestInventory;
  /** Deletes by the registry's own API, or by the protocol where that is how it is done there. */
  readonly deleter: ContentDeleter;
}

/** The repository as the protocol knows it, for what its registry's API cannot do; every `Repository` is one. */
export type VendorRepository = { readonly name: string } & Pick<
  ManifestReader,
  "getManifest" | "headManifest"
> &
  Pick<ManifestWriter, "putManifest"> &
  Pick<BlobWriter, "putBlob"> &
  Pick<Deleter, "deleteManifest" | "deleteTag">;

/** What every vendor's API is made of. */
export interface VendorApiOptions {
  /** The registry by its canonical name, such as `ghcr.io`; `docker.io` is Docker Hub. */
  readonly registry: string;
  readonly repository: VendorRepository;
  /** How its API is reached, such as `send` of a client. */
  readonly send: HttpSend;
  /** Asked for the registry's credential, which goes to this registry's own API and nowhere else; anonymous without. */
  readonly credentials?: CredentialProvider | undefined;
  /** The time in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** How to wait before a request is repeated. */
  readonly sleep?: Sleep | undefined;
}

export type Sleep = (
  milliseconds: number,
  options: { readonly signal?: AbortSignal | undefined },
) => Promise<void>;
