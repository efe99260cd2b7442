import { MemoryRegistry, readOnly, sub, trace } from "@drayage/oci";
import { repositoryContract } from "./repository.ts";

repositoryContract({ name: "MemoryRegistry", open: async () => ({ registry: new MemoryRegistry() }) });

repositoryContract({
  name: "a part of a registry",
  open: async () => ({ registry: sub(new MemoryRegistry(), "team/part") }),
  traits: { mountFromAnywhere: false },
});

repositoryContract({
  name: "a traced registry",
  open: async () => ({ registry: trace(new MemoryRegistry(), () => undefined) }),
});

repositoryContract({
  name: "a registry that is read-only",
  open: async () => {
    const origin = new MemoryRegistry();
    return { registry: readOnly(origin), origin };
  },
  traits: {
    write: false,
    upload: false,
    delete: false,
    conditionalTags: false,
    mount: false,
    mountFromAnywhere: false,
  },
});
