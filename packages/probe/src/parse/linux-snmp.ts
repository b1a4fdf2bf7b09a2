// /proc/net/snmp (RFC 4022 counters of this network namespace) and /proc/uptime.

/** tcpActiveOpens: connections that programs here have opened; null where the text does not tell. */
export function parseActiveOpens(text: string): number | null {
  const [names, values] = text.split('\n').filter((line) => line.startsWith('Tcp: '));
  const at = names?.split(' ').indexOf('ActiveOpens') ?? -1;
  return at < 0 ? null : wholeNumber(values?.split(' ')[at]);
}

/** Seconds since boot; null where the text does not tell. */
export function parseUptime(text: string): number | null {
  const seconds = /^(\d{1,12}(?:\.\d{1,9})?) /.exec(text)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

function wholeNumber(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
