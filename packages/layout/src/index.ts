export { openArchive, type OpenedArchive } from "./archive.ts";
export { writeArchive } from "./archive-writer.ts";
export type { DirectoryOptions } from "./directory.ts";
export { openDockerArchive, type OpenedDockerArchive } from "./docker-archive.ts";
export { writeDockerArchive, type DockerArchiveOptions } from "./docker-archive-writer.ts";
export { createLayout } from "./layout.ts";
export { createLayoutRegistry } from "./layout-registry.ts";
export type { RootLister } from "./reader.ts";
