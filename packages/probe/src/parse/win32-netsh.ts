// What netsh prints about port ranges and HTTP.sys, by numbers, addresses and the shape of its lines: its words are those of
// the display language and are never read.
import { isPort, type PortRange } from '@portolan/core';
import {
  dynamicRange,
  type ExcludedRange,
  excludedRow,
  ONE_RULE,
  onlyNumber,
  TWO_RULES,
} from './printed/netsh-lines.ts';

export type { ExcludedRange } from './printed/netsh-lines.ts';

/**
 * Marks of writing direction and byte order, which may stand around numbers: as characters of a text in UTF-8, and as the
 * bytes of one that was decoded as Latin-1.
 */
const INVISIBLE =
  /[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\0]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]/gu;

function linesOf(text: string): string[] {
  return text.replaceAll(INVISIBLE, '').split(/\r\n|\r|\n/);
}

/**
 * `netsh interface ipv4|ipv6 show excludedportrange protocol=…`: rows of first port, last port and `*` or nothing. Null where
 * there is no table, as in a message of error.
 */
export function parseExcludedRanges(text: string): ExcludedRange[] | null {
  const lines = linesOf(text);
  const rule = lines.findIndex((line) => TWO_RULES.test(line));
  if (rule < 0) return null;
  const ranges: ExcludedRange[] = [];
  for (const line of lines.slice(rule + 1)) {
    const row = excludedRow(line);
    if (row === false) return null;
    if (row !== null) ranges.push(row);
  }
  return ranges;
}

/** `netsh interface ipv4|ipv6 show dynamicport tcp|udp`: a line with the first port, one with the count. Null where malformed. */
export function parseDynamicPorts(text: string): PortRange | null {
  const lines = linesOf(text);
  const rule = lines.findIndex((line) => ONE_RULE.test(line));
  if (rule < 0) return null;
  const numbers = lines.slice(rule + 1).filter((line) => /\d/.test(line));
  const [first = null, count = null] = numbers.map(onlyNumber);
  // One number a line and two lines: anything else is another form, and is not guessed at.
  return numbers.length !== 2 || first === null || count === null ? null : dynamicRange(first, count);
}

/** A request queue of HTTP.sys: who takes requests from it, and for which URLs. */
export interface HttpQueue {
  readonly pids: readonly number[];
  readonly urls: readonly HttpUrl[];
}

/** A registered URL: `HTTP://+:5985/WSMAN/`. */
export interface HttpUrl {
  readonly url: string;
  readonly port: number;
}

const QUEUES_KEPT = 4096;
const URL_LINE =
  /^\s+(https?:\/\/(?:\[[0-9a-f:.%]{2,60}\]|[^\s/:[\]]{1,255}):(\d{1,5})(?::[0-9a-f.:[\]]{1,60})?\/\S{0,2000})\s*$/i;
/** `2952` alone, or a word, the pid, a comma and the image: `ID: 2952, image: …`. */
const PID_LINE = /^\s+(?:(\d{1,10})|[^\s:：]{1,40}\s?[:：]\s?(\d{1,10}),\s?[^:：]{1,40}[:：].{0,1000})\s*$/;

/**
 * `netsh http show servicestate view=requestq`: a block for each queue, begun by a line that is not indented, with its
 * processes and its URLs on lines of their own.
 */
export function parseHttpQueues(text: string): HttpQueue[] {
  const queues: { pids: number[]; urls: HttpUrl[] }[] = [];
  let queue: { pids: number[]; urls: HttpUrl[] } | null = null;
  for (const line of linesOf(text)) {
    if (/^\S/.test(line)) {
      queue = { pids: [], urls: [] };
      if (queues.length < QUEUES_KEPT) queues.push(queue);
      continue;
    }
    if (queue === null) continue;
    const url = URL_LINE.exec(line);
    if (url !== null) {
      const port = Number(url[2]);
      if (isPort(port) && port > 0) queue.urls.push({ url: url[1] ?? '', port });
      continue;
    }
    const pid = PID_LINE.exec(line);
    const number = Number(pid?.[1] ?? pid?.[2] ?? 0);
    if (number > 0 && number <= 0xffff_ffff) queue.pids.push(number);
  }
  return queues.filter(({ urls }) => urls.length > 0);
}
