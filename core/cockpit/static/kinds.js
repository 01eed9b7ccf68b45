// What models make, in the order in which the page shows it; and how models are sorted by it.

import { h } from "./dom.js";

export const KINDS = ["chat", "image", "speech", "transcription", "video", "embedding"];

/** Those kinds that there are models of, each with them. */
export function byKind(models) {
  const groups = Map.groupBy(models, ({ kind }) => kind);
  return new Map(KINDS.filter((kind) => groups.has(kind)).map((kind) => [kind, groups.get(kind)]));
}

export function byProvider(models) {
  return Map.groupBy(models, ({ provider }) => provider);
}

/** The models as options of a select, by provider. */
export function options(models) {
  return [...byProvider(models)].map(([provider, own]) => {
    const group = h("optgroup", {}, own.map(({ id }) => h("option", { value: id }, id)));
    group.label = provider;
    return group;
  });
}
