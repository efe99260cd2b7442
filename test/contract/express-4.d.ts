// An earlier version under a name of its own, whose types are near enough.
declare module "express-4" {
  export { default } from "express";
}
