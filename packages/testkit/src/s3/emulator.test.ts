import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createS3Emulator, type S3Emulator } from "./emulator.ts";

let s3: S3Emulator;
beforeEach(async () => {
  s3 = await createS3Emulator({ traits: { smallestPart: 5, pageSize: 2 } });
});
afterEach(() => s3.close());

interface Sent {
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Changes what is sent after it was signed. */
  readonly tamper?: (request: { method: string; path: string; headers: Record<string, string> }) => void;
  readonly secret?: string | undefined;
  readonly bucket?: string | undefined;
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly code: string | undefined;
}

const hex = (data: string): string => createHash("sha256").update(data).digest("hex");
const crcOf = (data: string): string => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(data));
  return sum.toString("base64");
};

/** A request signed as the documentation of Amazon says, written once more for this test. */
async function send(
  method: string,
  target: string,
  { body = "", tamper, ...sent }: Sent = {},
): Promise<Answered> {
  const [path = "", query = ""] = `/${sent.bucket ?? s3.bucket}/${target}`.split("?");
  const time = `${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  const scope = `${time.slice(0, 8)}/${s3.region}/s3/aws4_request`;
  const headers: Record<string, string> = {
    host: s3.endpoint.slice("http://".length),
    "x-amz-content-sha256": hex(body),
    "x-amz-date": time,
    ...sent.headers,
  };
  const names = Object.keys(headers).toSorted();
  const canonical = [
    method,
    path,
    query
      .split("&")
      .filter(Boolean)
      .map((each) => (each.includes("=") ? each : `${each}=`))
      .toSorted()
      .join("&"),
    ...names.map((name) => `${name}:${headers[name]}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
  const secret = sent.secret ?? s3.identity.secretAccessKey;
  let key: string | Buffer = `AWS4${secret}`;
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  const signature = createHmac("sha256", key)
    .update(["AWS4-HMAC-SHA256", time, scope, hex(canonical)].join("\n"))
    .digest("hex");
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${s3.identity.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  const request = { method, path: query === "" ? path : `${path}?${query}`, headers };
  tamper?.(request);
  return exchange(request, body);
}

function exchange(
  { method, path, headers }: { method: string; path: string; headers: Record<string, string> },
  body: string,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const length = { "content-length": String(Buffer.byteLength(body)) };
    const request = httpRequest(s3.endpoint, {
      method,
      path,
      headers: { ...length, ...headers },
      agent: false,
    });
    request.once("error", reject).once("response", (response) => {
      text(response).then(
        (received) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: received,
            code: /<Code>(\w+)<\/Code>/.exec(received)?.[1],
          }),
        reject,
      );
    });
    request.end(body);
  });
}

const refusalOf = async (...sent: Parameters<typeof send>): Promise<unknown> => {
  const { status, code } = await send(...sent);
  return [status, code];
};

describe("a signature", () => {
  test("in the header lets a request pass", async () => {
    expect((await send("PUT", "a/b%20c", { body: "hello" })).status).toBe(200);
    expect((await send("GET", "a/b%20c?x-id=GetObject")).body).toBe("hello");
    expect([...s3.content.objects.keys()]).toEqual(["a/b c"]);
  });

  test.each<[string, Sent, unknown]>([
    ["by another secret", { secret: "wrong" }, [403, "SignatureDoesNotMatch"]],
    ["of another path", { tamper: (request) => void (request.path += "x") }, [403, "SignatureDoesNotMatch"]],
    [
      "of another query",
      { tamper: (request) => void (request.path += "?versionId=1") },
      [403, "SignatureDoesNotMatch"],
    ],
    [
      "of another header",
      { tamper: ({ headers }) => void (headers["x-amz-date"] = "20200101T000000Z") },
      [403, "RequestTimeTooSkewed"],
    ],
    [
      "without a header of Amazon's",
      { tamper: ({ headers }) => void (headers["x-amz-acl"] = "public-read") },
      [403, "AccessDenied"],
    ],
    [
      "that is missing",
      { tamper: ({ headers }) => void delete headers["authorization"] },
      [403, "AccessDenied"],
    ],
    [
      "of another body",
      { headers: { "x-amz-content-sha256": hex("other") } },
      [400, "XAmzContentSHA256Mismatch"],
    ],
  ])("%s does not", async (_name, sent, refusal) => {
    expect(await refusalOf("PUT", "key", { body: "hello", ...sent })).toEqual(refusal);
    expect(s3.content.objects.size).toBe(0);
  });
});

describe("content", () => {
  const framed = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "5",
    "x-amz-trailer": "x-amz-checksum-crc32",
  };

  test("comes out of the frames of aws-chunked", async () => {
    const body = `3\r\nhel\r\n2\r\nlo\r\n0\r\nx-amz-checksum-crc32:${crcOf("hello")}\r\n\r\n`;
    expect((await send("PUT", "key", { body, headers: framed })).status).toBe(200);
    expect((await send("GET", "key")).body).toBe("hello");
  });

  test.each([
    [
      "of the wrong checksum",
      `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${crcOf("hullo")}\r\n\r\n`,
      "BadDigest",
    ],
    ["without its trailer", "5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError"],
    ["that is cut short", "5\r\nhel", "IncompleteBody"],
    ["of another length", "2\r\nhe\r\n0\r\n\r\n", "IncompleteBody"],
  ])("in frames %s is refused", async (_name, body, code) => {
    expect(await refusalOf("PUT", "key", { body, headers: framed })).toEqual([400, code]);
  });

  test.each(["x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-checksum-sha1", "content-md5"])(
    "that is not what %s says is refused",
    async (name) => {
      expect(await refusalOf("PUT", "key", { body: "hello", headers: { [name]: "AAAA" } })).toEqual([
        400,
        "BadDigest",
      ]);
    },
  );

  test("is told with its checksum when that is asked for", async () => {
    await send("PUT", "key", { body: "hello", headers: { "x-amz-checksum-crc32": crcOf("hello") } });
    const headers = { "x-amz-checksum-mode": "ENABLED" };
    expect((await send("GET", "key", { headers })).headers["x-amz-checksum-crc32"]).toBe(crcOf("hello"));
  });

  test.each([
    ["bytes=1-2", 206, "el", "bytes 1-2/5"],
    ["bytes=3-", 206, "lo", "bytes 3-4/5"],
    ["bytes=-2", 206, "lo", "bytes 3-4/5"],
    ["bytes=4-99", 206, "o", "bytes 4-4/5"],
  ])("is sent in part for %s", async (range, status, body, contentRange) => {
    await send("PUT", "key", { body: "hello" });
    const answer = await send("GET", "key", { headers: { range } });
    expect([answer.status, answer.body, answer.headers["content-range"]]).toEqual([
      status,
      body,
      contentRange,
    ]);
  });

  test("has no bytes behind its end", async () => {
    await send("PUT", "key", { body: "hello" });
    expect(await refusalOf("GET", "key", { headers: { range: "bytes=5-" } })).toEqual([416, "InvalidRange"]);
  });
});

describe("conditions", () => {
  const put = (headers: Readonly<Record<string, string>>) =>
    refusalOf("PUT", "key", { body: "new", headers });

  test("are kept", async () => {
    expect(await put({ "if-match": '"x"' })).toEqual([404, "NoSuchKey"]);
    expect(await put({ "if-none-match": "*" })).toEqual([200, undefined]);
    expect(await put({ "if-none-match": "*" })).toEqual([412, "PreconditionFailed"]);
    expect(await put({ "if-match": '"x"' })).toEqual([412, "PreconditionFailed"]);
    const etag = s3.content.objects.get("key")?.etag ?? "";
    expect(await put({ "if-match": etag })).toEqual([200, undefined]);
    expect(await refusalOf("GET", "key", { headers: { "if-none-match": etag } })).toEqual([304, undefined]);
    expect(await refusalOf("DELETE", "key", { headers: { "if-match": '"x"' } })).toEqual([
      412,
      "PreconditionFailed",
    ]);
    expect(await refusalOf("DELETE", "key", { headers: { "if-match": etag } })).toEqual([204, undefined]);
  });
});

describe("a multipart upload", () => {
  const begin = async (key: string): Promise<string> =>
    /<UploadId>(.*)<\/UploadId>/.exec((await send("POST", `${key}?uploads`)).body)?.[1] ?? "";
  const part = async (key: string, id: string, number: number, body: string): Promise<string> =>
    String((await send("PUT", `${key}?partNumber=${number}&uploadId=${id}`, { body })).headers["etag"]);
  const complete = (key: string, id: string, parts: readonly (readonly [number, string])[]) => {
    const named = parts.map(
      ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${named.join("")}</CompleteMultipartUpload>`;
    return refusalOf("POST", `${key}?uploadId=${id}`, { body });
  };

  test("becomes an object when it is completed", async () => {
    const id = await begin("key");
    const [first, second] = [await part("key", id, 1, "hello"), await part("key", id, 2, "!")];
    expect(s3.content.objects.size).toBe(0);
    expect(
      await complete("key", id, [
        [1, first],
        [2, second],
      ]),
    ).toEqual([200, undefined]);
    expect((await send("GET", "key")).body).toBe("hello!");
    expect(s3.content.objects.get("key")?.etag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect(await complete("key", id, [[1, first]])).toEqual([404, "NoSuchUpload"]);
  });

  test.each([
    ["a part that was replaced", [[1, '"0"']], "InvalidPart"],
    ["a part that is absent", [[7, '"0"']], "InvalidPart"],
    [
      "parts out of order",
      [
        [2, "second"],
        [1, "first"],
      ],
      "InvalidPartOrder",
    ],
    [
      "a part in front that is too small",
      [
        [2, "second"],
        [3, "third"],
      ],
      "EntityTooSmall",
    ],
    ["nothing", [], "MalformedXML"],
  ] as const)("is not made of %s", async (_name, wanted, code) => {
    const id = await begin("key");
    const etags: Record<string, string> = {
      first: await part("key", id, 1, "hello"),
      second: await part("key", id, 2, "!"),
      third: await part("key", id, 3, "hello"),
    };
    const parts = wanted.map(([number, etag]) => [number, etags[etag] ?? etag] as const);
    expect(await complete("key", id, parts)).toEqual([400, code]);
  });

  test("is listed until it is aborted, with its parts a page at a time", async () => {
    const id = await begin("a/b");
    for (const number of [1, 2, 3]) await part("a/b", id, number, "hello");
    const page = await send("GET", `a/b?uploadId=${id}`);
    expect([...page.body.matchAll(/<PartNumber>(\d)/g)].map(([, number]) => number)).toEqual(["1", "2"]);
    expect(page.body).toContain("<IsTruncated>true");
    const rest = await send("GET", `a/b?uploadId=${id}&part-number-marker=2`);
    expect([...rest.body.matchAll(/<PartNumber>(\d)/g)].map(([, number]) => number)).toEqual(["3"]);
    expect((await send("GET", "?uploads&prefix=a%2F")).body).toContain(id);
    expect((await send("GET", "?uploads&prefix=b%2F")).body).not.toContain(id);
    expect((await send("DELETE", `a/b?uploadId=${id}`)).status).toBe(204);
    expect(await refusalOf("GET", `a/b?uploadId=${id}`)).toEqual([404, "NoSuchUpload"]);
  });
});

describe("objects", () => {
  const keysIn = (body: string) => [...body.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => key);

  test("are listed in byte order, a page at a time", async () => {
    for (const key of ["b", "a/c", "a/b", "a/%C3%A9", "a/Z"]) await send("PUT", key);
    const page = await send("GET", "?list-type=2&prefix=a%2F");
    expect(keysIn(page.body)).toEqual(["a/Z", "a/b"]);
    const token = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(page.body)?.[1];
    const rest = await send("GET", `?list-type=2&prefix=a%2F&continuation-token=${token}`);
    expect(keysIn(rest.body)).toEqual(["a/c", "a/é"]);
    expect(rest.body).toContain("<IsTruncated>false");
    expect(
      keysIn((await send("GET", "?list-type=2&prefix=a%2F&start-after=a%2Fbb&max-keys=1")).body),
    ).toEqual(["a/c"]);
    expect((await send("GET", "?list-type=2&delimiter=%2F")).body).toContain("<Prefix>a/</Prefix>");
  });

  test("are deleted, many at once too", async () => {
    for (const key of ["a", "b%26", "c"]) await send("PUT", key);
    const body = "<Delete><Object><Key>a</Key></Object><Object><Key>b&amp;</Key></Object></Delete>";
    expect(await refusalOf("POST", "?delete", { body })).toEqual([400, "InvalidRequest"]);
    expect(
      (await send("POST", "?delete", { body, headers: { "x-amz-checksum-crc32": crcOf(body) } })).status,
    ).toBe(200);
    expect([...s3.content.objects.keys()]).toEqual(["c"]);
    expect((await send("DELETE", "c")).status).toBe(204);
    expect((await send("DELETE", "c")).status).toBe(204);
  });
});

describe("faults", () => {
  test("answer instead of the store, as often as they are to", async () => {
    s3.fail({ operation: "PutObject", prefix: "a/", nth: 2, answer: { status: 503, code: "SlowDown" } });
    expect(await refusalOf("PUT", "a/1")).toEqual([200, undefined]);
    expect(await refusalOf("PUT", "b/2")).toEqual([200, undefined]);
    expect(await refusalOf("PUT", "a/2")).toEqual([503, "SlowDown"]);
    expect(await refusalOf("PUT", "a/2")).toEqual([200, undefined]);
    expect(s3.ledger.map(({ operation, key, status }) => [operation, key, status])).toEqual([
      ["PutObject", "a/1", 200],
      ["PutObject", "b/2", 200],
      ["PutObject", "a/2", 503],
      ["PutObject", "a/2", 200],
    ]);
  });

  test("meet a part by its number, in whichever order parts arrive", async () => {
    const { body } = await send("POST", "key?uploads");
    const uploadId = /<UploadId>([^<]+)</.exec(body)?.[1] ?? "";
    s3.fail({ operation: "UploadPart", part: 2, nth: 1, answer: { status: 503, code: "SlowDown" } });
    const statusOf = async (part: number): Promise<number> =>
      (await send("PUT", `key?partNumber=${part}&uploadId=${uploadId}`)).status;
    const statuses = [];
    for (const part of [3, 2, 1, 2]) statuses.push(await statusOf(part));
    expect(statuses).toEqual([200, 503, 200, 200]);
  });

  test("lose the answer to what was done", async () => {
    s3.fail({ operation: "PutObject", nth: 1, loseAnswer: true });
    await expect(send("PUT", "key", { body: "hello" })).rejects.toThrow("socket hang up");
    expect((await send("GET", "key")).body).toBe("hello");
  });

  test("cut a body", async () => {
    await send("PUT", "key", { body: "hello" });
    s3.fail({ operation: "GetObject", nth: 1, cutAfter: 2 });
    await expect(send("GET", "key")).rejects.toThrow("aborted");
    expect((await send("GET", "key")).body).toBe("hello");
  });
});

test.each<[string, string, string, Sent]>([
  ["another bucket", "PUT", "key", { bucket: "other" }],
  ["versions", "GET", "?versions", {}],
  ["a copy", "PUT", "key", { headers: { "x-amz-copy-source": "bucket/other" } }],
])("%s is not emulated, and not passed over", async (_name, method, target, sent) => {
  const { status } = await send(method, target, sent);
  expect([404, 501]).toContain(status);
});
