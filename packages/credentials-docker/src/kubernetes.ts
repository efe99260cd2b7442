import { decodeBase64, ownValue, parseObject, type CredentialProvider, type JsonObject } from "@drayage/oci";
import {
  entrySource,
  parseConfigObject,
  parseDockercfg,
  parseDockerConfig,
  type DockerConfig,
} from "./config-file.ts";
import { parseEntry } from "./entry.ts";
import { unavailable } from "./failure.ts";
import { matchingKeys } from "./keys.ts";
import { stillGood } from "./refusal.ts";

const source = "the Kubernetes secret";

/** How the two types of image pull secrets name and spell their content. */
const contents = [
  { field: ".dockerconfigjson", parse: parseDockerConfig },
  { field: ".dockercfg", parse: parseDockercfg },
];

/**
 * A provider of what an image pull secret of Kubernetes holds.
 *
 * Keys match as they do for the kubelet: `*` and `?` stand for characters of one label of the host, and a path
 * for itself and what is below it. Helpers that the secret might name are not run.
 *
 * @param secret the content of `.dockerconfigjson`, as it is mounted, or the whole Secret as JSON
 * @throws OciError CREDENTIAL_UNAVAILABLE if it is neither
 * @see https://kubernetes.io/docs/concepts/containers/images/#config-json
 * @example fromKubernetesSecret(await readFile("/var/run/secrets/pull/.dockerconfigjson"))
 */
export function fromKubernetesSecret(secret: string | Uint8Array): CredentialProvider {
  const config = parseSecret(typeof secret === "string" ? new TextEncoder().encode(secret) : secret);
  return async (request) => {
    request.signal?.throwIfAborted();
    for (const key of matchingKeys(config.auths.keys(), request, matchesHost)) {
      const place = entrySource(config, key);
      const credential = parseEntry(config.auths.get(key), place);
      if (credential !== undefined) return stillGood({ credential, source: place }, request).credential;
    }
    return undefined;
  };
}

/** Whether `pattern` stands for `host`: label by label, and the port exactly. */
export function matchesHost(pattern: string, host: string): boolean {
  const [patternName = "", patternPort] = splitPort(pattern);
  const [name = "", port] = splitPort(host);
  const [patternLabels, labels] = [patternName.split("."), name.split(".")];
  const hasSameShape = patternPort === port && patternLabels.length === labels.length;
  return hasSameShape && patternLabels.every((label, index) => matchesLabel(label, labels[index] ?? ""));
}

function parseSecret(bytes: Uint8Array): DockerConfig {
  const origin = { source, isExposed: false };
  const document = parseConfigObject(bytes, source);
  if (ownValue(document, "kind") === "Secret") return parseSecretObject(document);
  if (Object.hasOwn(document, "auths")) return parseDockerConfig(bytes, origin);
  throw malformed('it has no "auths"');
}

function parseSecretObject(document: JsonObject): DockerConfig {
  const data = parseObject(ownValue(document, "data")) ?? {};
  for (const { field, parse } of contents) {
    const value = ownValue(data, field);
    if (value === undefined) continue;
    const text = typeof value === "string" ? decodeBase64(value) : undefined;
    if (text === undefined) throw malformed(`its "${field}" is not base64`);
    return parse(new TextEncoder().encode(text), { source: `${field} of ${source}`, isExposed: false });
  }
  throw malformed("it is no image pull secret");
}

function splitPort(host: string): readonly string[] {
  const colon = host.lastIndexOf(":");
  return colon === -1 ? [host] : [host.slice(0, colon), host.slice(colon + 1)];
}

/** `*` takes as little as it can and gives back one character more at each dead end, so time stays bounded. */
function matchesLabel(pattern: string, label: string): boolean {
  let [at, patternAt, retryAt, retryPattern] = [0, 0, 0, -1];
  while (at < label.length) {
    const expected = pattern[patternAt];
    if (expected === "*") {
      retryPattern = ++patternAt;
      retryAt = at;
    } else if (expected === "?" || expected === label[at]) {
      patternAt++;
      at++;
    } else if (retryPattern !== -1) {
      patternAt = retryPattern;
      at = ++retryAt;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(patternAt));
}

function malformed(problem: string): Error {
  return unavailable({
    source,
    problem,
    hint: "give the content of .dockerconfigjson, or the Secret as JSON",
  });
}
