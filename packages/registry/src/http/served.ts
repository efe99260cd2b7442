import type { Answer } from "../answer.ts";
import type { HandlerOptions, ServedRequest } from "../options.ts";
import { splitTarget, type Received } from "./received.ts";

/** How a request ended. */
export type Ending = Pick<ServedRequest, "status" | "isComplete" | "received" | "sent">;

/** Tells `onResponse` of the request once, when it has ended. */
export function createReport(
  { method, target, headers, peer }: Omit<Received, "body" | "signal">,
  { onResponse, onError }: Pick<HandlerOptions, "onResponse" | "onError">,
): ((answer: Answer | undefined, ending: Ending) => void) | undefined {
  if (onResponse === undefined) return undefined;
  const begun = performance.now();
  const { address } = peer(); // a connection that has ended does not know it any more
  const { path } = splitTarget(target);
  return (answer, ending) => {
    const id = answer?.id ?? "";
    const known = { id, method, path, subject: answer?.subject(), address, userAgent: headers["user-agent"] };
    try {
      onResponse({ ...known, duration: performance.now() - begun, ...ending });
    } catch (error) {
      onError?.(error, { id, method, path: target }); // nobody else waits for it
    }
  };
}
