import type { S3Scene } from "./bucket.ts";
import type { S3Answer, S3Call, S3Operation } from "./exchange.ts";
import { listObjects, listUploads } from "./listing.ts";
import { abortUpload, completeUpload, createUpload, listParts, uploadPart } from "./multipart.ts";
import { deleteObject, deleteObjects, getObject, putObject } from "./object.ts";

type Answerer = (scene: S3Scene, call: S3Call) => S3Answer;

const answerers: Readonly<Record<S3Operation, Answerer>> = {
  HeadBucket: () => ({ status: 200 }),
  ListObjectsV2: listObjects,
  ListMultipartUploads: listUploads,
  DeleteObjects: deleteObjects,
  GetObject: getObject,
  HeadObject: getObject,
  PutObject: putObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  ListParts: listParts,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
};

/** Does what is asked. @throws S3Refusal */
export function answerTo(operation: S3Operation, scene: S3Scene, call: S3Call): S3Answer {
  return answerers[operation](scene, call);
}
