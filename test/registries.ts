import { writeFileSync } from "node:fs";
import { profiles } from "@drayage/client";
import { registriesPage } from "./src/registries-page.ts";

writeFileSync(new URL("../docs/registries.md", import.meta.url), registriesPage(Object.values(profiles)));
