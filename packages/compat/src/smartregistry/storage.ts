import { OciError, type StorageDriver } from "@drayage/oci";
import type { IRegistryConfig, S3Settings } from "./config.ts";

/** The storage of a configuration, which is tried out. @throws OciError OPTION_INVALID, UNAVAILABLE */
export async function openStorage(storage: IRegistryConfig["storage"]): Promise<StorageDriver> {
  if ("documents" in storage) return storage;
  const { accessKey, accessSecret, bucketName, region } = storage;
  const { openS3Driver } = await loadS3();
  return openS3Driver({
    bucket: bucketName,
    region,
    endpoint: endpointOf(storage),
    credentials: { accessKeyId: accessKey, secretAccessKey: accessSecret },
  });
}

/** The URL of the store, by its host and port. */
export function endpointOf({ endpoint, useSsl = true, port = useSsl ? 443 : 80 }: S3Settings): string {
  return `${useSsl ? "https" : "http"}://${endpoint}:${port}`;
}

async function loadS3(): Promise<typeof import("@drayage/registry-s3")> {
  try {
    return await import("@drayage/registry-s3");
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND")) throw cause;
    throw new OciError(
      "OPTION_INVALID",
      "@drayage/registry-s3, which keeps content in S3, is not installed",
      {
        cause,
        hint: "npm install @drayage/registry-s3",
      },
    );
  }
}
