import { createClient } from "@drayage/client";
import { createHandler, createRegistry, listen, type Handler } from "@drayage/registry";
import { openS3Driver, type S3DriverOptions } from "@drayage/registry-s3";
import { createS3Emulator, repositoryContract, type OpenedSubject } from "@drayage/testkit";

/** A registry for each of the options, over one bucket: every request meets the next of them. */
async function overOneBucket(...instances: readonly Partial<S3DriverOptions>[]): Promise<OpenedSubject> {
  const s3 = await createS3Emulator();
  const { bucket, endpoint, identity, region } = s3;
  const handlers: Handler[] = [];
  for (const options of instances) {
    const driver = await openS3Driver({ bucket, endpoint, region, credentials: identity, ...options });
    handlers.push(createHandler(createRegistry(driver)));
  }
  let requests = 0;
  const server = await listen((...exchange) => handlers[requests++ % handlers.length]?.(...exchange));
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

repositoryContract({
  name: "two registries over one bucket in turns, of which one leads to it",
  // Of what the interfaces promise, what the distribution-spec has no request for.
  traits: { inventory: false },
  open: () => overOneBucket({}, { redirectFor: 60 }),
});
