// The library door of @portolan/site: pages, the local server.
import { PAGE_LANGUAGES } from '@portolan/core/web';

export { siteAssets } from './chart-data.ts';
export { type ExportResult, exportFiles, type Progress } from './export/files.ts';
export { type MateProgram, takePart } from './export/mate.ts';
export type { ExportPlan, Scope } from './export/outputs.ts';
export { exportPack, openPack, type Pack } from './export/pack.ts';
export { type Described, llmsText, openApi, ROUTES } from './for-programs.ts';
export { robots, sitemaps } from './for-search.ts';
export { indexedPaths, isSpecific } from './paths.ts';
export { type Asset, type Assets, assetOf, makeAssets, readAssets } from './server/assets.ts';
export {
  listen,
  listenPack,
  type ServeOptions,
  type ServePackOptions,
  type Serving,
} from './server/listen.ts';
export type { Host } from './server/lookout.ts';
export type { FeedbackStore } from './server/useful.ts';
export type { Peers } from './server/visitors.ts';
export { makeSite, type Sight, type Site } from './site.ts';

/** Tags of the languages that pages are there in. */
export function siteLanguages(): string[] {
  return PAGE_LANGUAGES.map(({ tag }) => tag);
}
