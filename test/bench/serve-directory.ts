// Serves a directory until its process is killed, and says where.
import { createFilesystemDriver, createHandler, createRegistry, listen } from "@drayage/registry";

const [directory = ""] = process.argv.slice(2);
const { host } = await listen(createHandler(createRegistry(createFilesystemDriver(directory))));
process.stdout.write(`${host}\n`);
