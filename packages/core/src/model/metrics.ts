// What `watch --metrics` measures: families of samples, in the data model of Prometheus.
import type { Message } from './message.ts';

/** `counter` only rises while the program runs; `gauge` is as it is now. */
export type MetricKind = 'counter' | 'gauge';

/** One number with what tells it from others of its family. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples of one meaning. The name ends in its unit; counters end in `_total`. */
export interface MetricFamily {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: Message;
  readonly samples: readonly MetricSample[];
}

/** How often something happened since the watch began, by change, kind and transport. */
export interface EventCount {
  readonly change: string;
  readonly kind: string;
  readonly transport: string;
  readonly count: number;
}
