// The library door of @portolan/core: nouns, decisions, views and renderers.

export { mappedIpv4 } from './decide/bind-rules.ts';
export { changesBetween } from './decide/changes.ts';
export * from './decide/claims.ts';
export { disagreementsAbout } from './decide/disagreements.ts';
export { type ExplainInput, explain, hostView } from './decide/explain.ts';
export {
  killEnd,
  killPlan,
  launchDepth,
} from './decide/kill.ts';
export {
  claimable,
  formatLease,
  isLeaseName,
  leaseOf,
  NAME_LIMIT,
  parseLease,
  portVariable,
} from './decide/lease.ts';
export {
  countRefusals,
  currentDefaults,
  heldPorts,
  isUnsure,
  nearVerdict,
  offers,
  type PickFacts,
  type PickOrder,
  pickedPort,
  pickGaps,
  ruleAgainst,
} from './decide/pick.ts';
export { formatRanges, type RiskInput, risksOf } from './decide/risks.ts';
export { searchClaims } from './decide/search.ts';
export { holderKind, holdersOf, redirectHolder, toHolder, useOf } from './decide/use.ts';
export { type Alternative, alternativesTo, fits, type WhyRound, whyOf } from './decide/why.ts';
export * from './model/claim.ts';
export * from './model/error.ts';
export * from './model/event.ts';
export * from './model/kill.ts';
export * from './model/lease.ts';
export * from './model/message.ts';
export * from './model/pick.ts';
export * from './model/port.ts';
export * from './model/query.ts';
export * from './model/report.ts';
export * from './model/socket.ts';
export * from './model/why.ts';
export { type EventV1, eventJson } from './render/json/event.ts';
export * from './render/json/kill.ts';
export * from './render/json/lease.ts';
export { HolderLines, listPieces } from './render/json/lines.ts';
export { type PickV1, pickJson } from './render/json/pick.ts';
export * from './render/json/v1.ts';
export { type WhyV1, whyJson } from './render/json/why.ts';
export { printable, printableJson } from './render/printable.ts';
export { renderTerminal, type TerminalOptions } from './render/terminal.ts';
export { wrapText } from './render/wrap.ts';
export { LANGUAGES, type MessageKey, type Translator, translator } from './text/catalog.ts';
export { containerName, formatEndpoint, gapMessages, namespaceName } from './view/holder-words.ts';
export { killDonePage, killDryPage, killPlanPage, killQuestion } from './view/kill.ts';
export { leasedPage, leasesPage, releasedPage } from './view/lease.ts';
export { type ListModel, listPage, shortClaim, whoPage } from './view/list.ts';
export { pickPage } from './view/pick.ts';
export { reportPage } from './view/report.ts';
export { rangePage, searchPage } from './view/search.ts';
export * from './view/tree.ts';
export { type WatchModel, watchHowPage, watchLinePage, watchPage } from './view/watch.ts';
export { whyPage } from './view/why.ts';
