// `portolan watch --metrics --json`, version 1: where the metrics are served.

export interface MetricsV1 {
  readonly format: 'portolan.metrics/1';
  readonly url: string;
  readonly address: string;
  readonly port: number;
}

/** Where a scraper finds them. */
export function metricsJson(address: string, port: number): MetricsV1 {
  return { format: 'portolan.metrics/1', url: metricsUrl(address, port), address, port };
}

/** The address in a browser's bar and in a scrape configuration. */
export function metricsUrl(address: string, port: number): string {
  return `http://${address}:${port}/metrics`;
}
