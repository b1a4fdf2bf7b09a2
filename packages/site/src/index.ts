// The library door of @portolan/site: pages, the local server.
export { type Asset, type Assets, assetOf, readAssets } from './server/assets.ts';
export { listen, type ServeOptions, type Serving } from './server/listen.ts';
export type { Host } from './server/lookout.ts';
export { makeSite, type Sight, type Site } from './site.ts';
