import { ownValue, parseObject } from "@drayage/oci";
import { startProgram } from "./program.ts";

const script = new URL("../../packages/testkit/fixture/s3-server.ts", import.meta.url);

/** Where a bucket is, and what opens it: options of `openS3Driver`. */
export interface BucketPlace {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The emulated S3 store, in a process of its own: as far from the registry as any other store is. */
export interface S3Process {
  readonly place: BucketPlace;
  readonly kill: () => Promise<void>;
}

export async function startS3(): Promise<S3Process> {
  const { line, kill } = await startProgram(script);
  return { place: parsePlace(line), kill };
}

export function parsePlace(text: string): BucketPlace {
  const place = parseObject(JSON.parse(text)) ?? {};
  const credentials = parseObject(ownValue(place, "credentials")) ?? {};
  return {
    endpoint: String(ownValue(place, "endpoint")),
    bucket: String(ownValue(place, "bucket")),
    region: String(ownValue(place, "region")),
    credentials: {
      accessKeyId: String(ownValue(credentials, "accessKeyId")),
      secretAccessKey: String(ownValue(credentials, "secretAccessKey")),
    },
  };
}
