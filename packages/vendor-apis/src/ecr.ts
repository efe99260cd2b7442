import type { ECRClient, ImageDetail, ImageFailure, ImageIdentifier } from "@aws-sdk/client-ecr";
import {
  bareCause,
  isDigest,
  isOciError,
  isTag,
  OciError,
  type CallOptions,
  type ContentDeleter,
  type DeleteResult,
  type OciErrorCode,
  type Refusal,
  type RefusalReason,
  type StoredManifest,
} from "@drayage/oci";
import { invalid } from "./field.ts";
import { orRefusal } from "./refusal.ts";
import { moved } from "./throwaway.ts";
import type { VendorApi } from "./vendor-api.ts";

export interface EcrApiOptions {
  /** The registry's name, which has the account and the region: `123456789012.dkr.ecr.eu-west-1.amazonaws.com`. */
  readonly registry: string;
  readonly repository: { readonly name: string };
  /** The region, for a registry under another name. */
  readonly region?: string | undefined;
  /** A profile of the shared AWS configuration; by default the SDK's own search decides. */
  readonly profile?: string | undefined;
  /** A client of `@aws-sdk/client-ecr`, in place of one that is made of the rest; the caller ends it. */
  readonly client?: Pick<ECRClient, "send"> | undefined;
}

/**
 * Amazon ECR by its own API: images with their tags and times, untagged ones too, and deletion; archived images are not
 * listed. It needs the package `@aws-sdk/client-ecr`, and leave for ecr:DescribeImages and ecr:BatchDeleteImage.
 *
 * @throws OciError OPTION_INVALID for a name without a region
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html
 */
export function createEcrApi(options: EcrApiOptions): VendorApi {
  const ecr = createCaller(options);
  return {
    listing: {
      async *listStoredManifests(call = {}) {
        let nextToken: string | undefined;
        do {
          const page = await ecr.describe({ maxResults: 1000, nextToken }, call);
          yield* (page.imageDetails ?? []).map(storedOf);
          if (page.nextToken !== undefined && page.nextToken === nextToken) throw invalid("a page again");
          nextToken = page.nextToken;
        } while (nextToken !== undefined);
      },
    },
    deleter: createDeleter(ecr),
  };
}

function createDeleter(ecr: Caller): ContentDeleter {
  return {
    untagging: "unless-last",
    deleteTag: (tag, { ifMatch, signal }) =>
      orRefusal(async () => {
        const image = await findImage(ecr, tag, { signal });
        if (image === undefined) return "absent";
        if (image.imageDigest !== ifMatch) throw moved(tag);
        if (image.imageTags?.length === 1) return { refused: "last", message: "the image would go with it" };
        return outcomeOf(await ecr.delete({ imageTag: tag }, { signal }));
      }),
    deleteManifest: (digest, call = {}) =>
      orRefusal(async () => outcomeOf(await ecr.delete({ imageDigest: digest }, call))),
  };
}

async function findImage(
  ecr: Caller,
  imageTag: string,
  options: CallOptions,
): Promise<ImageDetail | undefined> {
  try {
    return (await ecr.describe({ imageIds: [{ imageTag }] }, options)).imageDetails?.[0];
  } catch (error) {
    if (isOciError(error, "MANIFEST_UNKNOWN")) return undefined;
    throw error;
  }
}

function storedOf(image: ImageDetail): StoredManifest {
  const { imageDigest, imageTags = [], imagePushedAt, lastRecordedPullTime } = image;
  if (imageDigest === undefined || !isDigest(imageDigest) || !imageTags.every(isTag))
    throw invalid("an image without a digest, or a tag that is none");
  return {
    digest: imageDigest,
    // A tag that is set again does not make an image younger: https://github.com/aws/containers-roadmap/issues/2746
    tags: imageTags.map((name) => ({ name })),
    mediaType: image.imageManifestMediaType,
    artifactType: image.artifactMediaType,
    imageSize: image.imageSizeInBytes,
    pushed: imagePushedAt?.getTime(),
    pulled: lastRecordedPullTime?.getTime(),
  };
}

const refusals: ReadonlyMap<string | undefined, RefusalReason> = new Map([
  ["ImageReferencedByManifestList", "referenced"],
]);

/** What is not there, and what is refused, is told for each image and is no error of the call. */
function outcomeOf(failures: readonly ImageFailure[]): DeleteResult | Refusal {
  const [failure] = failures;
  if (failure === undefined) return "deleted";
  const { failureCode, failureReason } = failure;
  if (failureCode === "ImageNotFound") return "absent";
  const refused = refusals.get(failureCode);
  if (refused !== undefined) return { refused, message: failureReason };
  throw new OciError("UNKNOWN", `ECR did not delete the image: ${failureCode ?? ""} ${failureReason ?? ""}`);
}

interface DescribePage {
  readonly imageDetails?: readonly ImageDetail[] | undefined;
  readonly nextToken?: string | undefined;
}

interface DescribeInput {
  readonly imageIds?: ImageIdentifier[] | undefined;
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}

/** The two calls that are made, with their failures as ours. */
interface Caller {
  describe(input: DescribeInput, options: CallOptions): Promise<DescribePage>;
  delete(image: ImageIdentifier, options: CallOptions): Promise<readonly ImageFailure[]>;
}

// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
const registryName =
  /^(?<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?<region>[a-z]{2,5}-[a-z]{2,12}(?:-[a-z]{2,12})?-\d{1,2})\.[a-z0-9.-]{6,40}$/;

function createCaller(options: EcrApiOptions): Caller {
  const { registry, repository } = options;
  const { account, region = options.region } = registryName.exec(registry)?.groups ?? {};
  if (region === undefined) throw new OciError("OPTION_INVALID", `${registry} does not say its \`region\``);
  const place = {
    repositoryName: repository.name,
    ...(account === undefined ? {} : { registryId: account }),
  };
  const sdk = lazily(() => loadSdk(options, region));
  const call = async <Result>(
    { signal }: CallOptions,
    send: (loaded: Sdk, call: { abortSignal?: AbortSignal }) => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await send(await sdk(), signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw failureOf(registry, error);
    }
  };
  return {
    describe: (input, callOptions) =>
      call(callOptions, ({ client, module }, http) =>
        client.send(new module.DescribeImagesCommand({ ...place, ...defined(input) }), http),
      ),
    delete: (image, callOptions) =>
      call(callOptions, async ({ client, module }, http) => {
        const input = { ...place, imageIds: [image] };
        return (await client.send(new module.BatchDeleteImageCommand(input), http)).failures ?? [];
      }),
  };
}

function defined({ imageIds, maxResults, nextToken }: DescribeInput) {
  return {
    ...(imageIds === undefined ? {} : { imageIds }),
    ...(maxResults === undefined ? {} : { maxResults }),
    ...(nextToken === undefined ? {} : { nextToken }),
  };
}

interface Sdk {
  readonly module: typeof import("@aws-sdk/client-ecr");
  readonly client: Pick<ECRClient, "send">;
}

async function loadSdk({ profile, client }: EcrApiOptions, region: string): Promise<Sdk> {
  const module = await importSdk();
  const made = client ?? new module.ECRClient({ region, ...(profile === undefined ? {} : { profile }) });
  return { module, client: made };
}

async function importSdk(): Promise<Sdk["module"]> {
  try {
    return await import("@aws-sdk/client-ecr");
  } catch (error) {
    throw new OciError("OPTION_INVALID", "ECR's API needs the package @aws-sdk/client-ecr", {
      cause: bareCause(error),
      hint: "install it beside @drayage/vendor-apis",
    });
  }
}

/** What `load` gives, loaded once; a failure is not kept. */
function lazily<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loaded: Promise<Value> | undefined;
  return () => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}

const codes: ReadonlyMap<string, OciErrorCode> = new Map<string, OciErrorCode>([
  ["ImageNotFoundException", "MANIFEST_UNKNOWN"],
  ["RepositoryNotFoundException", "NAME_UNKNOWN"],
  ["AccessDeniedException", "DENIED"],
  ["ThrottlingException", "TOOMANYREQUESTS"],
  ["ExpiredTokenException", "UNAUTHORIZED"],
  ["UnrecognizedClientException", "UNAUTHORIZED"],
  ["InvalidSignatureException", "UNAUTHORIZED"],
  ["CredentialsProviderError", "CREDENTIAL_UNAVAILABLE"],
  ["ServerException", "UNAVAILABLE"],
]);

function failureOf(registry: string, error: unknown): OciError {
  if (isOciError(error)) return error;
  const cause = bareCause(error);
  return new OciError(codes.get(cause.name) ?? "UNAVAILABLE", `${registry}: ${cause.message}`, { cause });
}
