// JSON that the MCP server alone gives: a forecast by itself, and a plan that waits for its confirmation.
import type { ForecastReport } from '../../model/forecast.ts';
import type { PortRange } from '../../model/port.ts';
import type { Translator } from '../../text/catalog.ts';
import type { KillV1 } from './kill.ts';
import { type ForecastV1, forecastJson } from './lines.ts';
import type { ReserveV1 } from './reserve.ts';
import { type GapV1, gapJson, type RiskV1, riskJson } from './v1.ts';

/** What could take a port, or the ports of this host's listeners. */
export interface ForecastReportV1 {
  readonly format: 'portolan.forecast/1';
  /** 1–65535; null where all listeners are asked about. */
  readonly port: number | null;
  /** The range this host hands out; null where it could not be read. */
  readonly ephemeral: PortRange | null;
  /** What speaks against relying on the port, worst first; empty where all listeners are asked about. */
  readonly risks: readonly RiskV1[];
  /** TCP listeners in the ephemeral range that are not reserved, the likeliest to be taken first. */
  readonly forecasts: readonly ForecastV1[];
  readonly gaps: readonly GapV1[];
}

/** The answer of the tool `forecast`. */
export function forecastReportJson(model: ForecastReport, lang: Translator): ForecastReportV1 {
  return {
    format: 'portolan.forecast/1',
    port: model.port,
    ephemeral: model.ephemeral,
    risks: model.risks.map((risk) => riskJson(risk, lang)),
    forecasts: model.forecasts.map((forecast) => forecastJson(forecast, lang)),
    gaps: model.gaps.map((gap) => gapJson(gap, lang)),
  };
}

/** A change that was shown and is done only when its id comes back in time. */
export interface PlanV1 {
  readonly format: 'portolan.plan/1';
  /** What `confirm` takes, once; null where there is nothing to do or nothing that may be done. */
  readonly id: string | null;
  /** Time after which the id is refused, ISO 8601 in UTC; null without an id. */
  readonly expiresAt: string | null;
  /** The change, of which nothing was done. */
  readonly change: KillV1 | ReserveV1;
}

/** The answer of the tools that plan. */
export function planJson(
  waiting: { readonly id: string; readonly expiresAt: Date } | null,
  change: KillV1 | ReserveV1,
): PlanV1 {
  return {
    format: 'portolan.plan/1',
    id: waiting?.id ?? null,
    expiresAt: waiting?.expiresAt.toISOString() ?? null,
    change,
  };
}
