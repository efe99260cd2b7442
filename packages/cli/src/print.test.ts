import { Writable } from "node:stream";
import { OciError } from "@drayage/oci";
import { describe, expect, it } from "vitest";
import { createPrinter, OutputClosed, type PrintOptions } from "./print.ts";

function createTerminal(options: Partial<PrintOptions> = {}) {
  let out = "";
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      out += String(chunk);
      done();
    },
  });
  const stderr = { text: "", write: (text: string) => (stderr.text += text) };
  const defaults = { stdout, stderr, env: {}, json: false, quiet: false, trace: false };
  const print = createPrinter({ ...defaults, ...options });
  return { print, stdout, out: () => out, err: () => stderr.text };
}

/** Sets the clipboard of a terminal, turns text around, and ends the line. */
const hostile = "\u001b]52;c;aGk=\u0007 \u202eexe.png \u009b31m\r\n";

describe("what is printed", () => {
  it("C24: shows control and bidirectional characters instead of sending them to the terminal", () => {
    const { print, out, err } = createTerminal();
    print.result({}, [hostile, "next"]);
    print.note(hostile);
    print.error(new OciError("UNKNOWN", "refused", { hint: hostile }));
    print.error(new Error(hostile));
    const shown = "\\u001b]52;c;aGk=\\u0007 \\u202eexe.png \\u009b31m\\u000d\\u000a";
    expect(out()).toBe(`${shown}\nnext\n`);
    expect(err()).toBe(
      `${shown}\ndrayage: refused (UNKNOWN)\n  ${shown}\ndrayage: unexpected error: Error: ${shown}\n`,
    );
  });

  it("C24: is JSON without such characters that still says the same", () => {
    const { print, out } = createTerminal({ json: true });
    print.result({ tag: hostile }, "not this");
    const line = out();
    expect(line).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(line)).toEqual({ tag: hostile });
  });

  it("tells of an error its code, its side and what can be done", () => {
    const { print, err } = createTerminal();
    const error = new OciError("DENIED", "target: no push here", { side: "target", hint: "log in" });
    print.error(error);
    expect(err()).toBe("drayage: target: no push here (DENIED)\n  log in\n");
  });

  it("tells why there is no credential, and of no other error its cause", () => {
    const cause = new Error("the config profile (ci) could not be found\u001b[1m");
    const { print, err } = createTerminal();
    print.error(new OciError("CREDENTIAL_UNAVAILABLE", "no AWS identity", { cause, hint: "sign in" }));
    print.error(new OciError("DENIED", "no", { cause }));
    const because = "Error: the config profile (ci) could not be found\\u001b[1m";
    expect(err()).toBe(
      `drayage: no AWS identity (CREDENTIAL_UNAVAILABLE)\n  ${because}\n  sign in\ndrayage: no (DENIED)\n`,
    );
    const json = createTerminal({ json: true });
    json.print.error(new OciError("CREDENTIAL_UNAVAILABLE", "no AWS identity", { cause }));
    expect(JSON.parse(json.err())).toMatchObject({ error: { reason: `${cause.name}: ${cause.message}` } });
  });

  it("is an error as JSON, if that was asked for", () => {
    const { print, err } = createTerminal({ json: true });
    print.error(new OciError("DENIED", "target: no", { side: "target", status: 403 }));
    expect(JSON.parse(err())).toEqual({
      error: { code: "DENIED", message: "target: no", side: "target", status: 403 },
    });
  });

  it("has no messages and no progress when it is to be quiet, but errors", async () => {
    const { print, err } = createTerminal({ quiet: true });
    print.note("by the way");
    expect(await print.during(fail, async (shown) => shown)).toBeUndefined();
    print.error(new OciError("DENIED", "no"));
    expect(err()).toBe("drayage: no (DENIED)\n");
  });

  it("has what happens instead of progress when that is asked for, quiet or not", async () => {
    const { print, err } = createTerminal({ trace: true, quiet: true });
    print.event({ type: "wait" }, hostile);
    expect(await print.during(fail, async (shown) => shown)).toBeUndefined();
    const { print: untraced, err: nothing } = createTerminal();
    untraced.event({ type: "wait" }, "not this");
    const { print: asJson, err: json } = createTerminal({ trace: true, json: true });
    asJson.event({ type: "wait" }, "not this");
    expect(err()).toMatch(/^\\u001b]52;c;aGk=[ -~]+\n$/);
    expect([nothing(), json()]).toEqual(["", '{"type":"wait"}\n']);
  });

  it("ends the display of progress however the work ends", async () => {
    const { print } = createTerminal();
    let ended = 0;
    const show = () => ({ end: () => void ended++ });
    expect(await print.during(show, async () => "done")).toBe("done");
    await expect(print.during(show, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(ended).toBe(2);
  });

  it("has color on a terminal only, and not with NO_COLOR", () => {
    const texts = [{}, { NO_COLOR: "1" }].map((env) => {
      const stderr = { isTTY: true, text: "", write: (text: string) => (stderr.text += text) };
      createTerminal({ stderr, env }).print.error(new OciError("DENIED", "no"));
      return stderr.text;
    });
    expect(texts).toEqual(["\u001b[31mdrayage:\u001b[39m no (DENIED)\n", "drayage: no (DENIED)\n"]);
  });

  it("is bytes as they are, asked for no faster than they are taken", async () => {
    const taken: string[] = [];
    const stdout = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        taken.push(String(chunk));
        setImmediate(done);
      },
    });
    const { print } = createTerminal({ stdout });
    async function* content() {
      for (const text of ["\u001b", "b", "c"]) {
        expect(stdout.writableLength).toBe(0);
        yield new TextEncoder().encode(text);
      }
    }
    await print.bytes(content(), {});
    expect(taken).toEqual(["\u001b", "b", "c"]);
  });

  it("asks for no more bytes when nobody takes them any more", async () => {
    const stdout = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    });
    const { print } = createTerminal({ stdout });
    let asked = 0;
    async function* content() {
      for (; asked < 9; asked++) yield new Uint8Array(1);
    }
    await expect(print.bytes(content(), {})).rejects.toThrow(OutputClosed);
    expect(asked).toBeLessThan(3);
  });

  it("ends when it is aborted while nobody takes it", async () => {
    const stdout = new Writable({ highWaterMark: 1, write: () => undefined });
    const controller = new AbortController();
    const { print } = createTerminal({ stdout });
    async function* content() {
      yield new Uint8Array(1);
    }
    const printed = print.bytes(content(), { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(printed).rejects.toThrow("enough");
  });

  it("stops when nobody reads it any more", () => {
    const { print, stdout } = createTerminal();
    stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(() => print.result({}, "more")).toThrow(OutputClosed);
  });

  it("fails where its last result could not be written, as on a full disk", async () => {
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("no space"), { code: "ENOSPC" })),
    });
    const { print } = createTerminal({ stdout });
    print.result({}, "the only one");
    const failure = { code: "UNAVAILABLE", message: "cannot write the results: ENOSPC" };
    await expect(print.flush()).rejects.toMatchObject(failure);
    expect(() => print.result({}, "more")).toThrow(expect.objectContaining(failure));
  });

  it("goes on when nobody reads its messages any more", () => {
    const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
    const { print } = createTerminal({ stderr });
    stderr.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
    expect(() => print.note("more")).not.toThrow();
  });
});

function fail(): never {
  throw new Error("nothing is to be shown");
}
