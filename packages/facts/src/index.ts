// The library door of @portolan/facts: open the packed facts. Updating is a door of its own (./update), for it
// brings an XML parser that nobody who only asks should have to load.
export { dataDirectory, updatedRegistryPath } from './data-dir.ts';
export { type Extras, type Facts, type FactsInfo, type FactsOptions, openFacts } from './load.ts';
export type { PackHeader } from './pack.ts';
export { shippedProfiles } from './profiles.ts';
