// What is foretold of a service on a port of the ephemeral range.
import type { Message } from './message.ts';
import type { PortRange, Transport } from './port.ts';
import type { Risk } from './report.ts';
import type { Endpoint, Gap } from './socket.ts';

/** Seconds that a service is away when it is started anew, for which `restartChance` is told. */
export const RESTART_SECONDS = 5;

/** How likely a port is taken, and when, with what that rests on. */
export interface Forecast {
  /** Probability 0–1 that a service which starts at a random moment finds the port taken. */
  readonly chance: number;
  /** Ports like this one that are taken in a second; null where nothing tells. */
  readonly rate: number | null;
  /** Expected seconds until the port, free now, is taken for the first time; null where no rate is known. */
  readonly firstTakenSeconds: number | null;
  /** Probability 0–1 that a restart finds the port taken; null where no rate is known. */
  readonly restartChance: number | null;
  readonly basis: Message;
}

/** A TCP listener on a port that the host hands out, and what its service meets if it counts on that number. */
export interface ListenerForecast {
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly forecast: Forecast;
}

/** What could take one port, or the ports of this host's listeners: a forecast by itself. */
export interface ForecastReport {
  /** 1–65535; null where all listeners are asked about. */
  readonly port: number | null;
  /** The range this host hands out; null where it could not be read. */
  readonly ephemeral: PortRange | null;
  /** What speaks against relying on the port, worst first; empty where all listeners are asked about. */
  readonly risks: readonly Risk[];
  /** TCP listeners in the ephemeral range that are not reserved, the likeliest to be taken first. */
  readonly forecasts: readonly ListenerForecast[];
  readonly gaps: readonly Gap[];
}
