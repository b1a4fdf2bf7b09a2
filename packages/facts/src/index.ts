// The library door of @portolan/facts: open the packed facts, update the registry.
export { dataDirectory, updatedRegistryPath } from './data-dir.ts';
export { type Extras, type Facts, type FactsInfo, type FactsOptions, openFacts } from './load.ts';
export type { PackHeader } from './pack.ts';
export { IANA_URL, resetRegistry, type UpdateOptions, type UpdateResult, updateRegistry } from './update.ts';
