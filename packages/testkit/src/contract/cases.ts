import { abortCases } from "./abort.ts";
import { blobReadCases } from "./blob-read.ts";
import { blobWriteCases } from "./blob-write.ts";
import { deleteCases } from "./delete.ts";
import { manifestReadCases } from "./manifest-read.ts";
import { manifestRefusalCases } from "./manifest-refusal.ts";
import { manifestWriteCases } from "./manifest-write.ts";
import { nameCases } from "./name.ts";
import { referrerCases } from "./referrer.ts";
import { tagCases } from "./tag.ts";
import { uploadCases } from "./upload.ts";
import type { RepositoryCase } from "./case.ts";

/** The cases of the repository contract, by what they are about. */
export const repositoryCases: Readonly<Record<string, readonly RepositoryCase[]>> = {
  "reading manifests": manifestReadCases,
  "writing manifests": manifestWriteCases,
  "refusing manifests": manifestRefusalCases,
  "reading blobs": blobReadCases,
  "writing blobs": blobWriteCases,
  uploads: uploadCases,
  "tags and repositories": tagCases,
  referrers: referrerCases,
  deleting: deleteCases,
  names: nameCases,
  aborting: abortCases,
};
