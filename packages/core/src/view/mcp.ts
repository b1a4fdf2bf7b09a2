// The page that the MCP server alone has: a forecast by itself.
import type { ForecastReport } from '../model/forecast.ts';
import { say } from '../model/message.ts';
import { forecastNodes } from './forecast.ts';
import { formatEndpoint, gapsNode } from './holder-words.ts';
import { data, type Node, type Page, said } from './tree.ts';
import { riskItem } from './why.ts';

/** Most listeners that are shown with their chances. */
const SHOWN = 20;

/** The page of a forecast. */
export function forecastPage({ port, ephemeral, risks, forecasts, gaps }: ForecastReport): Page {
  const count = port === null ? forecasts.length : risks.length;
  const grave = risks.some(({ severity }) => severity === 'high') || forecasts.length > 0;
  const title =
    port === null
      ? say(count === 0 ? 'mcp.forecast.listeners.none' : 'mcp.forecast.listeners', { count })
      : say(count === 0 ? 'mcp.forecast.port.none' : 'mcp.forecast.port', { port, count });
  const range =
    ephemeral === null
      ? say('mcp.forecast.unread')
      : say('mcp.forecast.range', { first: ephemeral[0], last: ephemeral[1] });
  const nodes: Node[] = [
    {
      kind: 'answer',
      severity: grave ? 'medium' : gaps.length > 0 ? 'info' : 'good',
      lines: [[said(title, 'strong')], [said(range)]],
    },
  ];
  if (risks.length > 0) nodes.push({ kind: 'list', items: risks.map(riskItem) });
  if (forecasts.length > 0) {
    const items = forecasts.slice(0, SHOWN).map(({ local, forecast }) => ({
      mark: null,
      inline: [data(formatEndpoint(local), 'strong')],
      nodes: forecastNodes(forecast, false),
    }));
    nodes.push({ kind: 'list', items });
  }
  if (gaps.length > 0) nodes.push(gapsNode(gaps));
  return { nodes };
}
