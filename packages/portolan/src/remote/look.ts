// A host that is asked over ssh, as commands look at one: asked once, looked at as often as they like.
import type { Gap, PortRange } from '@portolan/core';
import type { Context } from '../command.ts';
import { shellQuote } from '../program.ts';
import { type Asked, type AskOptions, askHost } from './ssh.ts';

/** What is taken of one host, as the conversation bounds it. */
const MIB = 64;

/** One host. */
export class RemoteHost {
  readonly name: string;
  readonly #options: AskOptions;
  readonly #call: () => string;
  #asked: Promise<Asked> | null = null;

  constructor(name: string, options: AskOptions, call: () => string) {
    this.name = name;
    this.#options = options;
    this.#call = call;
  }

  /** What commands look by. The host is asked when the first of them looks, and not before. */
  readonly look: Context['look'] = async (request) => {
    this.#asked ??= askHost(this.name, this.#options);
    const { answer, ending, at } = await this.#asked;
    const { lookAtAnswer } = await import('@portolan/probe');
    const snapshot = await lookAtAnswer(answer, request, at);
    // Whatever the login is called: what root may not see there, root's login does not show.
    const isRoot = answer.frames.get('uid')?.toString('utf8').trim() === '0';
    const again = (host: string): string => this.#again(host);
    const gaps = snapshot.gaps.map(
      (gap): Gap => ({ ...gap, remedy: remedyThere(gap, this.name, request.ports, isRoot, again) }),
    );
    return { ...snapshot, gaps: [...gaps, ...this.#gaps(ending, answer.unasked)] };
  };

  #gaps(ending: Asked['ending'], unasked: number): Gap[] {
    const host = this.name;
    const gap = (code: Gap['code'], values: Gap['values'], more: Partial<Gap> = {}): Gap => ({
      code,
      values,
      remedy: null,
      coversUse: false,
      transports: [],
      ...more,
    });
    const { seconds } = this.#options;
    const cut: Record<Asked['ending'], Gap | null> = {
      whole: null,
      closed: gap('remote-closed', { host }, { coversUse: true }),
      late: gap(
        'remote-late',
        { host, seconds },
        { coversUse: true, remedy: `${this.#again(host)} --host-timeout ${seconds * 4} list` },
      ),
      large: gap('remote-large', { host, mib: MIB }, { coversUse: true }),
    };
    return [
      ...(cut[ending] === null ? [] : [cut[ending]]),
      ...(unasked === 0 ? [] : [gap('remote-processes', { count: unasked })]),
      gap('remote-host', { host }),
    ];
  }

  #again(host: string): string {
    return `${this.#call()} --host ${shellQuote(host)}`;
  }
}

/** What would show more of a host; what is known of this one does not help there. */
export function remedyThere(
  { code }: Pick<Gap, 'code'>,
  host: string,
  ports: PortRange | null,
  isRoot: boolean,
  again: (host: string) => string,
): string | null {
  if (code === 'bound-invisible') return `ssh ${shellQuote(host)} ss -tan --bound-inactive`;
  if (isRoot || !ROOT_SEES.has(code)) return null;
  const root = asRoot(host);
  const what = ports !== null && ports[0] === ports[1] ? `who ${ports[0]}` : 'list';
  return root === null ? null : `${again(root)} ${what}`;
}

const ROOT_SEES: ReadonlySet<string> = new Set(['owners-hidden', 'owners-partly', 'processes-hidden']);

/** The same host with root's login; null where that was asked already. */
function asRoot(host: string): string | null {
  const [, scheme = '', user = null, place = ''] = /^(ssh:\/\/)?(?:(.*)@)?([^@]*)$/is.exec(host) ?? [];
  return user === 'root' ? null : `${scheme}root@${place}`;
}
