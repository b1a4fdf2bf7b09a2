// `netstat` of Windows in any display language: a row is protocol, two endpoints, a word or none, a pid or none.
import { familyOf, isAny, placed, readEnds } from './endpoint.ts';
import { alone, type Draft, type Out, owner, type Recogniser, type Section } from './row.ts';
import { stateOf } from './words.ts';

const ROW = /^\s*(TCP|UDP)(?:v[46])?\s+(\S{3,300})\s+(\S{3,300})(?:\s+(.{0,200}))?$/;

/** Lines below a row with -b: components, the program, or that it may not be told. */
const DETAILS = 4;

export const netstatWindows: Recogniser = {
  format: 'netstat-windows',
  heading: /^\s*Proto\s+Local Address\s+Foreign Address\s+State|^Active Connections\s*$/,
  row: /^\s*(?:TCP|UDP)(?:v[46])?\s+\S{1,300}:\S{1,60}\s+(?:\*:\*|\S{1,300}:\S{1,60})(?:\s|$)/,
  open: (out) => new WindowsSection(out),
};

class WindowsSection implements Section {
  readonly #out: Out;
  #last: Draft | null = null;
  #details = 0;

  constructor(out: Out) {
    this.#out = out;
  }

  line(text: string, number: number): boolean {
    if (netstatWindows.heading?.test(text) === true) return true;
    const match = ROW.exec(text);
    if (match === null) return this.#detail(text);
    const [, name, localText = '', peerText = '', rest = ''] = match;
    const transport = name === 'TCP' ? 'tcp' : 'udp';
    const ends = readEnds([localText, peerText], transport, { text, number, separator: ':' }, this.#out);
    if (ends === null) return false;
    this.#details = DETAILS;
    this.#last = null;
    if (ends === 'told') return true;
    const { local, peer } = ends;
    if (local.port === null) return true;
    const tail = /^(.*?)(?:(?:^|\s)(\d{1,10}))?$/.exec(rest.trim());
    // After the state -t prints how far a connection is offloaded, `InHost`.
    const word = (tail?.[1] ?? '').replace(/\s+(?:InHost|Offloaded|Offloading|Uploading)\b.*$/, '').trim();
    const pid = tail?.[2] === undefined ? null : Number(tail[2]);
    const any = isAny(peer);
    const known = stateOf(word);
    // A word of another language: listeners have no peer, and only TIME_WAIT has pid 0 (no process).
    const meant = any ? 'LISTEN' : pid === 0 ? 'TIME_WAIT' : 'ESTABLISHED';
    if (transport === 'tcp' && word === '') {
      this.#out.unknown(number, text, 'cut');
      return true;
    }
    if (transport === 'tcp' && known === null && meant === 'ESTABLISHED')
      this.#out.shown.words.add(alone(word));
    const family = familyOf(local.host) ?? 'ipv4';
    this.#last = this.#out.socket(
      {
        transport,
        family,
        local: placed(local, family, this.#out),
        peer: any ? null : placed(peer, family, this.#out),
        state: transport === 'udp' ? (any ? 'UNCONN' : 'ESTABLISHED') : (known ?? meant),
        inode: pid === 0 ? 0 : null,
        owners: pid === null || pid === 0 ? [] : [owner(pid, pid === 4 ? 'System' : '?')],
        device: local.device,
      },
      number,
    );
    return true;
  }

  /** What -b says of the row above. Without -o there is no pid, and a name alone names no process. */
  #detail(text: string): boolean {
    if (this.#details === 0 || !/^\s+\S/.test(text) || text.length > 300 || /\S\s{2,}\S/.test(text))
      return false;
    const name = /^\s*\[([^\]]{1,260})\]\s*$/.exec(text)?.[1];
    this.#details = name === undefined ? this.#details - 1 : 0;
    const first = this.#last?.owners[0];
    if (name !== undefined && first !== undefined)
      this.#last?.owners.splice(0, 1, { ...first, name: alone(name) });
    return true;
  }
}
