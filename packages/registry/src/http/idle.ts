import { OciError } from "@drayage/oci";

/** Watches a client that is to send something. */
export interface IdleTimer {
  /** `promise`, or a rejection if it takes too long. @throws OciError TIMEOUT */
  during<Value>(promise: Promise<Value>): Promise<Value>;
  stop(): void;
}

/** @param idleTimeout how long the client may send nothing, in milliseconds */
export function createIdleTimer(idleTimeout: number): IdleTimer {
  let expire: (error: OciError) => void = () => undefined;
  const timer = setTimeout(() => {
    expire(new OciError("TIMEOUT", `the client sent nothing for ${idleTimeout / 1000} seconds`));
  }, idleTimeout);
  return {
    during(promise) {
      timer.refresh();
      return new Promise((resolve, reject) => {
        expire = reject;
        promise.then(resolve, reject);
      });
    },
    stop: () => clearTimeout(timer),
  };
}
