import { profile, type Profile } from "./profile.ts";

export const quay: Profile = profile({
  name: "Quay",
  hosts: ["quay.io"],
  quirks: {
    mountWithoutFrom: "refused",
    maxPut: 20_000_000_000,
    referrersOfUnknown: 400,
    deleteAction: "push",
    maxPageSize: 100,
    listAfter: false,
  },
  sources: {
    mountWithoutFrom: "https://github.com/quay/quay/pull/899",
    maxPut: "https://github.com/oras-project/oras-py/pull/137",
    referrersOfUnknown: "https://github.com/quay/quay/pull/3071",
    deleteAction: "https://github.com/containers/image/blob/main/docker/docker_image_src.go",
    maxPageSize: "https://github.com/deitch/docker_registry2/pull/107",
    listAfter: "https://github.com/deitch/docker_registry2/issues/56",
  },
  notes: { mountWithoutFrom: "until 2021", listAfter: "until 2024" },
});
