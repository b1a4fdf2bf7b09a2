// Ports in command lines: flags, addresses, assignments, and the few programs whose port is a bare word.
import { addressOf, isThisHost, readPortNumber, type Spot, urlsIn } from './values.ts';

/** A port that a command line names. */
export interface CommandPort extends Spot {
  readonly port: number;
  readonly role: 'binds' | 'names';
  readonly host: string;
  readonly transport: 'tcp' | 'udp';
  /** Program of the command, without its folder. */
  readonly program: string;
}

/** A word of a command line, quotes taken off; `from` is the offset of each of its characters. */
interface Word {
  readonly text: string;
  readonly from: readonly number[];
}

/** Longest line that is read. */
const LENGTH_LIMIT = 32_768;

/** Longest flag that is known; the patterns for them are kept from longer texts. */
const FLAG_LIMIT = 100;

/** Every port of a command line; several commands may be joined by `&&`, `||`, `;`, `|` and `&`. */
export function portsOfCommand(line: string): CommandPort[] {
  return commandsOf(line.slice(0, LENGTH_LIMIT)).flatMap(portsOfWords);
}

/** Ports of a command that is given word by word. */
export function portsOfArguments(words: readonly string[]): (CommandPort & { readonly word: number })[] {
  const found: (CommandPort & { word: number })[] = [];
  const parts = words.map(
    (text): Word => ({ text, from: Array.from({ length: text.length + 1 }, (_, at) => at) }),
  );
  // Offsets are made unique by the word's number, and taken apart again.
  const STRIDE = LENGTH_LIMIT * 2;
  const shifted = parts.map(
    ({ text, from }, index): Word => ({ text, from: from.map((at) => at + index * STRIDE) }),
  );
  for (const port of portsOfWords(shifted)) {
    found.push({ ...port, at: port.at % STRIDE, word: Math.floor(port.at / STRIDE) });
  }
  return found;
}

/** Words of each command of a line, read as a POSIX shell reads them (sh s2.2, s2.3), expansions apart. */
function commandsOf(line: string): Word[][] {
  const commands: Word[][] = [[]];
  let text = '';
  let from: number[] = [];
  let started = false;
  let quote = '';
  const end = (): void => {
    if (started) commands.at(-1)?.push({ text, from });
    text = '';
    from = [];
    started = false;
  };
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else if (char === '\\' && quote === '"' && at + 1 < line.length) {
        at++;
        text += line[at];
        from.push(at);
      } else {
        text += char;
        from.push(at);
      }
    } else if (char === '"' || char === "'") {
      quote = char;
      started = true;
    } else if (char === '\\' && at + 1 < line.length) {
      at++;
      text += line[at];
      from.push(at);
      started = true;
    } else if (/\s/.test(char)) end();
    else if (/[;&|()]/.test(char)) {
      end();
      if (commands.at(-1)?.length !== 0) commands.push([]);
    } else {
      text += char;
      from.push(at);
      started = true;
    }
  }
  end();
  return commands;
}

/** Programs that run another one, which then is the one that matters. */
const RUNNERS =
  /^(?:npx|bunx|pnpx|yarn|pnpm|npm|bun|exec|sudo|env|cross-env|cross-env-shell|dotenv|nohup|time|nodemon|tsx|ts-node|bundle|poetry|uv|pipenv|dlx|run|start-server-and-test)$/;

/** Programs that only look for a port or end what is on it. */
const CLIENTS =
  /^(?:kill-port|fkill|wait-on|wait-port|wait-for-it(?:\.sh)?|curl|wget|open|open-cli|xdg-open|lsof|fuser|nc|ncat|telnet|psql|mysql|redis-cli|mongosh?|pg_isready|ping|http|ab|wrk|k6|artillery|mkdir|cp|cypress|playwright)$/;

/** Flags that take a port: --port, -p, --http-port, --server.port, --https-port=… */
const PORT_FLAG = /^--?(?:[\w.-]*[-_.])?(?:port|Port)$|^--?\w*[a-z]Port$|^-Dserver\.port$/;

/** Flags that take an address to listen on, or a port alone. */
const LISTEN_FLAG =
  /^--?(?:[\w.-]*[-_.])?(?:listen|bind|addr|address|bind-address|listen-address|http|host-port|endpoint|metrics|web\.listen-address)$/;

/** Flags that name somebody else's port. */
const OTHERS =
  /(?:db|database|redis|mysql|postgres|mongo|remote|target|upstream|proxy|peer|join|etcd|server-url|debug-server|connect)[-_.]?(?:\w*)(?:port|addr|address|endpoint)?$/i;

/** Programs for which -p is a port. */
const SHORT_P =
  /^(?:next|vite|serve|http-server|json-server|ng|nuxt|nuxi|astro|gatsby|rails|puma|thin|rackup|unicorn|docsify|live-server|sirv|servor|webpack(?:-dev-server)?|parcel|remix|storybook|start-storybook|webpack-cli|hugo|jekyll|mkdocs|redis-server|postgres|memcached|mosquitto|sshd|dropbear|httpd|nginx|caddy|uvicorn|gunicorn|hypercorn|waitress-serve|php|node|deno|ts-node|flask|streamlit|fastapi|tsx|vue-cli-service|react-scripts|expo|metro|browser-sync|local-web-server|ws|wrangler|miniflare|firebase|prisma|strapi|medusa|ganache|hardhat|anvil)$/;

/** Tools of -p where it is no port, or a port of another host. */
const OTHER_P =
  /^(?:ssh|scp|sftp|mkdir|cp|tar|ps|pgrep|pkill|read|tsc|install|rsync|nmap|patch|test|unzip|date)$/;

function portsOfWords(given: readonly Word[]): CommandPort[] {
  const found: CommandPort[] = [];
  let words = given;
  let program = '';
  const add = (
    word: Word,
    at: number,
    length: number,
    host: string,
    role: CommandPort['role'],
    udp = false,
  ): void => {
    const port = readPortNumber(word.text.slice(at, at + length));
    const first = word.from[at];
    if (port === null || first === undefined) return;
    if (found.some((known) => known.at === first)) return;
    found.push({ port, role, host, transport: udp ? 'udp' : 'tcp', program, at: first, length });
  };
  // Assignments and runners before the program itself: PORT=3000 npx next dev.
  while (words[0] !== undefined) {
    const word = words[0];
    const [, name = '', value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word.text) ?? [];
    if (value !== undefined) {
      if (/(?:^|_)PORT$/i.test(name))
        add(word, name.length + 1, value.length, '', name.toUpperCase() === 'PORT' ? 'binds' : 'names');
    } else {
      program = baseName(word.text);
      if (!RUNNERS.test(program)) break;
    }
    words = words.slice(1);
  }
  const [, ...args] = words;
  if (/^(?:docker|podman|nerdctl)$/.test(program)) {
    published(args, add);
    return found;
  }
  const client = CLIENTS.test(program);
  for (let index = 0; index < args.length; index++) {
    const word = args[index];
    if (word === undefined) break;
    const { text } = word;
    const equals = text.startsWith('-') ? text.indexOf('=') : -1;
    const flag = (equals === -1 ? text : text.slice(0, equals)).slice(0, FLAG_LIMIT);
    const next = args[index + 1];
    const value: Word | undefined = equals === -1 ? next : part(word, equals + 1);
    const role: CommandPort['role'] = client || OTHERS.test(flag) ? 'names' : 'binds';
    if (PORT_FLAG.test(flag) && value !== undefined) {
      add(value, 0, value.text.length, '', role);
      if (addressOf(value.text) !== null) address(value, role, add);
    } else if (LISTEN_FLAG.test(flag) && value !== undefined) {
      add(value, 0, value.text.length, '', role);
      address(value, role, add);
    } else if (flag === '-p' && value !== undefined && !OTHER_P.test(program)) {
      // Only where the value is a port at all; of unknown programs -p is taken for one where it is below 100 for nothing.
      if (SHORT_P.test(program) || Number(value.text) >= 100) add(value, 0, value.text.length, '', role);
    } else if (/^-p\d+$/.test(text) && !OTHER_P.test(program)) {
      if (SHORT_P.test(program) || Number(text.slice(2)) >= 100) add(word, 2, text.length - 2, '', role);
    } else if (/^-[lbSP]$/.test(flag) && value !== undefined) {
      if (flag === '-l' || flag === '-b') add(value, 0, value.text.length, '', role);
      address(value, role, add);
    } else if (/^-L$/.test(flag) && program === 'ssh' && value !== undefined) {
      const [, host = '', digits = ''] = /^(?:(\S+):)?(\d+):[^:]+:\d+$/.exec(value.text) ?? [];
      add(value, host === '' ? 0 : host.length + 1, digits.length, host, 'binds');
    } else if (!text.startsWith('-')) {
      address(word, role, add);
    }
    for (const url of urlsIn(text)) {
      if (isThisHost(url.host)) add(word, url.at, url.length, url.host, listens(flag) ? role : 'names');
    }
  }
  bareWords(program, args, add);
  return found;
}

/** `--listen-client-urls=http://0.0.0.0:2379` binds; any other URL names what is there. */
function listens(flag: string): boolean {
  return /listen|bind|^--urls$/.test(flag) && !/advertise/.test(flag);
}

type Add = (
  word: Word,
  at: number,
  length: number,
  host: string,
  role: CommandPort['role'],
  udp?: boolean,
) => void;

function address(word: Word, role: CommandPort['role'], add: Add): void {
  const found = addressOf(word.text);
  if (found === null) return;
  // A name before the colon that is not this host is somebody else's address, or no address at all.
  const here = isThisHost(found.host) || /^\d+(?:\.\d+){3}$|^\[/.test(found.host);
  if (here) add(word, found.at, found.length, found.host, role);
}

/** Ports that stand alone behind a subcommand: `python -m http.server 8000`, `kubectl port-forward svc/x 8080:80`. */
function bareWords(program: string, args: readonly Word[], add: Add): void {
  const texts = args.map(({ text }) => text);
  const server = texts.findIndex(
    (text) => text === 'http.server' || text === 'SimpleHTTPServer' || text === 'runserver',
  );
  const after = args[server + 1];
  if (server !== -1 && after !== undefined) add(after, 0, after.text.length, '', 'binds');
  if (program === 'kubectl' && texts.includes('port-forward')) {
    for (const word of args) {
      const [, local = ''] = /^(\d+)(?::\d+)?$/.exec(word.text) ?? [];
      if (local !== '') add(word, 0, local.length, '127.0.0.1', 'binds');
    }
  }
}

/** `docker run -p 8080:80` and `--publish`: only what is published is taken on this host. */
function published(args: readonly Word[], add: Add): void {
  args.forEach((word, index) => {
    const [, inline] = /^(?:-p|--publish)=(.*)$/s.exec(word.text) ?? [];
    const value =
      inline !== undefined
        ? part(word, word.text.length - inline.length)
        : /^(?:-p|--publish)$/.test(word.text)
          ? args[index + 1]
          : undefined;
    if (value === undefined) return;
    const [, host = '', digits = '', protocol] =
      /^(?:(.*):)?(\d+):\d+(?:\/(tcp|udp))?$/.exec(value.text) ?? [];
    const at = host === '' ? (value.text.startsWith(':') ? 1 : 0) : host.length + 1;
    add(value, at, digits.length, host, 'binds', protocol === 'udp');
  });
}

function part({ text, from }: Word, start: number): Word {
  return { text: text.slice(start), from: from.slice(start) };
}

function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}
