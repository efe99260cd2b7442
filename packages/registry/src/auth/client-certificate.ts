import type { X509Certificate } from "node:crypto";
import { OciError } from "@drayage/oci";
import type { AuthenticationMethod } from "./authenticate.ts";
import type { Identity } from "./identity.ts";

export interface CertificateOptions {
  /** Whose certificate it is, `undefined` if nobody's; by default its only common name is the subject. */
  readonly identify?: ((certificate: X509Certificate) => Identity | undefined) | undefined;
}

/**
 * Lets clients in by the certificate that they show to a TLS server with `requestCert` and its own `ca`.
 *
 * The server has checked who issued it; a certificate that it does not trust counts as none.
 *
 * @example createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false }, createHandler(registry, certificateMethod()))
 */
export function certificateMethod({ identify = commonName }: CertificateOptions = {}): AuthenticationMethod {
  return {
    authenticate({ peer: { certificate } }) {
      if (certificate === undefined) return Promise.resolve(undefined);
      const identity = identify(certificate);
      if (identity !== undefined) return Promise.resolve(identity);
      return Promise.reject(new OciError("UNAUTHORIZED", "a certificate of nobody who is known"));
    },
  };
}

/** Of several common names none can be told to be the right one. */
function commonName({ subject }: X509Certificate): Identity | undefined {
  const names = subject.split("\n").filter((line) => line.startsWith("CN="));
  const [name] = names;
  return name === undefined || names.length > 1 || name === "CN=" ? undefined : { subject: name.slice(3) };
}
