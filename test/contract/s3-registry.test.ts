import { createClient } from "@drayage/client";
import { createHandler, createRegistry, listen, type Handler } from "@drayage/registry";
import { openS3Driver, type S3DriverOptions } from "@drayage/registry-s3";
import { createS3Emulator, repositoryContract, type OpenedSubject, type S3Emulator } from "@drayage/testkit";

/** How a driver finds an emulator. */
function optionsFor({ bucket, endpoint, identity, region }: S3Emulator): S3DriverOptions {
  return { bucket, endpoint, region, credentials: identity };
}

/** So many registries over one bucket, of which every request meets the next one. */
async function overBucket(instances: number, options: Partial<S3DriverOptions> = {}): Promise<OpenedSubject> {
  const s3 = await createS3Emulator();
  const handlers: Handler[] = [];
  for (let each = 0; each < instances; each++) {
    handlers.push(createHandler(createRegistry(await openS3Driver({ ...optionsFor(s3), ...options }))));
  }
  let requests = 0;
  const server = await listen((...exchange) => handlers[requests++ % instances]?.(...exchange));
  const client = createClient();
  return {
    registry: client.registry(server.host),
    async close() {
      await client.close();
      await server.close();
      await s3.close();
    },
  };
}

/** Of what the interfaces promise, what the distribution-spec has no request for. */
const traits = { inventory: false } as const;

repositoryContract({
  name: "two registries over one bucket, in turns",
  traits,
  open: () => overBucket(2),
});

repositoryContract({
  name: "a registry over a bucket that clients read from",
  traits,
  open: () => overBucket(1, { redirectFor: 60 }),
});
