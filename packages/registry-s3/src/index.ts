export type { Capabilities } from "./capabilities.ts";
export { openS3Driver, type S3Credentials, type S3Driver, type S3DriverOptions } from "./driver.ts";
