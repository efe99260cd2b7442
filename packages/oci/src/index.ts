export {
  algorithmOf,
  createDigester,
  digestMatches,
  digestOf,
  hexOf,
  isDigest,
  isDigestAlgorithm,
  parseDigest,
  type Digest,
  type DigestAlgorithm,
  type Digester,
} from "./digest.ts";
export {
  atSide,
  escapeControls,
  isOciError,
  isOciErrorCode,
  OciError,
  statusOfCode,
  type OciErrorCode,
  type OciErrorOptions,
  type Side,
} from "./errors.ts";
export {
  isRepositoryName,
  isTag,
  parseAt,
  parseRepositoryName,
  parseTag,
  type At,
  type Tag,
} from "./name.ts";
export type { Range } from "./range.ts";
