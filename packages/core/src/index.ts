// The library door of @portolan/core: nouns, decisions, views and renderers.

export { allocatorFinding } from './decide/allocator.ts';
export { type AuditInput, auditOf } from './decide/audit.ts';
export { portsText } from './decide/audit-words.ts';
export { belowRoot } from './decide/below-root.ts';
export { mappedIpv4 } from './decide/bind-rules.ts';
export { bootValue } from './decide/boot-order.ts';
export { changesBetween } from './decide/changes.ts';
export * from './decide/claims.ts';
export { disagreementsAbout } from './decide/disagreements.ts';
export { DROP_IN_NAME, readDropIn, settingsIn, writeDropIn } from './decide/drop-in.ts';
export { ephemeralOf, isQuerySocket, resolverPids } from './decide/ephemeral.ts';
export { type ExplainInput, explain, hostView } from './decide/explain.ts';
export {
  byPage,
  FEEDBACK_LINES,
  formatFeedback,
  parseFeedback,
  withVote,
} from './decide/feedback.ts';
export {
  type Cell,
  type CountedSocket,
  cellOf,
  countTcp,
  countUdp,
  forecastOf,
  isForetold,
  listenerForecasts,
  upperHalf,
} from './decide/forecast.ts';
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
export { type MetricsInput, metricsOf } from './decide/metrics.ts';
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
export {
  commonRanges,
  formatRanges,
  joinRanges,
  parseRanges,
  portCount,
  sameRanges,
  withoutRanges,
} from './decide/port-set.ts';
export { isAsPlanned, planReserve, type ReserveInput } from './decide/reserve.ts';
export { type ProofSum, proofSum, repeatedTrial } from './decide/reserve-proof.ts';
export { planWindows, type WindowsPlan, windowsDone } from './decide/reserve-windows.ts';
export { resolverReport, resolverSetup } from './decide/resolver.ts';
export { type RiskInput, risksOf } from './decide/risks.ts';
export { searchClaims } from './decide/search.ts';
export {
  holderKind,
  holdersInTurn,
  holdersOf,
  redirectHolder,
  toHolder,
  useAt,
  useOf,
} from './decide/use.ts';
export { type Alternative, alternativesTo, fits, needsZone, type WhyRound, whyOf } from './decide/why.ts';
export { XSAN_PROCESSES, type XsanInput, xsanOf } from './decide/xsan.ts';
export { proposeWindow } from './decide/xsan-window.ts';
export * from './model/allocator.ts';
export * from './model/audit.ts';
export * from './model/claim.ts';
export * from './model/ephemeral.ts';
export * from './model/error.ts';
export * from './model/event.ts';
export * from './model/feedback.ts';
export * from './model/forecast.ts';
export * from './model/kill.ts';
export * from './model/lease.ts';
export * from './model/message.ts';
export * from './model/metrics.ts';
export * from './model/pick.ts';
export * from './model/port.ts';
export * from './model/query.ts';
export * from './model/report.ts';
export * from './model/reserve.ts';
export * from './model/resolver.ts';
export * from './model/socket.ts';
export * from './model/why.ts';
export * from './model/xsan.ts';
export { EXPOSITION_TYPE, renderExposition } from './render/exposition.ts';
export { type AuditV1, auditJson, type FindingV1 } from './render/json/audit.ts';
export { type EphemeralV1, ephemeralJson } from './render/json/ephemeral.ts';
export { type EventV1, eventJson } from './render/json/event.ts';
export { type ExportV1, exportJson } from './render/json/export.ts';
export { type FeedbackV1, feedbackJson } from './render/json/feedback.ts';
export { type HostV1, hostJson } from './render/json/host.ts';
export * from './render/json/kill.ts';
export * from './render/json/lease.ts';
export { ListLines } from './render/json/lines.ts';
export {
  type ForecastReportV1,
  forecastReportJson,
  type PlanV1,
  planJson,
} from './render/json/mcp.ts';
export { type MetricsV1, metricsJson } from './render/json/metrics.ts';
export { type PickV1, pickJson } from './render/json/pick.ts';
export { type ReserveV1, reserveJson } from './render/json/reserve.ts';
export { type ServeV1, serveJson } from './render/json/serve.ts';
export * from './render/json/v1.ts';
export { type WhyV1, whyJson } from './render/json/why.ts';
export { printable, printableJson, printableSaid } from './render/printable.ts';
export { auditSarif, type SarifOptions } from './render/sarif.ts';
export { asciiText, renderTerminal, type TerminalOptions } from './render/terminal.ts';
export { wrapText } from './render/wrap.ts';
export {
  LANGUAGES,
  type Language,
  loadTranslator,
  type MessageKey,
  PAGE_LANGUAGES,
  type Speaker,
  type Translator,
  translator,
} from './text/catalog.ts';
export { allocatorNode } from './view/allocator.ts';
export { auditPage } from './view/audit.ts';
export { ephemeralPage } from './view/ephemeral.ts';
export { feedbackPage } from './view/feedback.ts';
export { containerName, formatEndpoint, gapMessages, namespaceName } from './view/holder-words.ts';
export { killDonePage, killDryPage, killPlanPage, killQuestion } from './view/kill.ts';
export { leasedPage, leasesPage, releasedPage } from './view/lease.ts';
export { type ListModel, listPage, shortClaim, whoPage } from './view/list.ts';
export { forecastPage } from './view/mcp.ts';
export { pickPage } from './view/pick.ts';
export { type ReadModel, readPage, type UnreadLine } from './view/read.ts';
export { reportPage, useSentence } from './view/report.ts';
export { isIdle, reservePage, reserveQuestion } from './view/reserve.ts';
export { resolverPage, resolverSetupPage } from './view/resolver.ts';
export { rangePage, searchPage } from './view/search.ts';
export * from './view/tree.ts';
export { type WatchModel, watchHowPage, watchLinePage, watchPage } from './view/watch.ts';
export { whyPage } from './view/why.ts';
