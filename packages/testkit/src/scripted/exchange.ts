import type { OciErrorCode } from "@drayage/oci";

/** A request, read to its end. */
export interface ScriptedRequest {
  readonly method: string;
  /** Under the name of the origin it arrived at. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** What is answered; the body's length and date are filled in. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly body?: string | Uint8Array | undefined;
}

/** An error in the form of distribution-spec, "Error Codes". */
export function refuse(status: number, code: OciErrorCode, message: string = code): ScriptedAnswer {
  return { ...jsonAnswer({ errors: [{ code, message }] }), status };
}

/** `value` as JSON, with status 200. */
export function jsonAnswer(value: unknown): ScriptedAnswer {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
