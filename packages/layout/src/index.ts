export type { DirectoryOptions } from "./directory.ts";
export { createLayout } from "./layout.ts";
export { createLayoutRegistry } from "./layout-registry.ts";
