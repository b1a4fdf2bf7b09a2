// The built program: every form a port is written in, every way to get it wrong, help, version, language, colour.
import { describe, expect, test } from 'vitest';
import type { Io } from '../../packages/portolan/src/io.ts';
import { main } from '../../packages/portolan/src/main.ts';
import { bash, checked, environment, expectTold, portolan } from './program.ts';

interface Report {
  format: string;
  port: number;
  transports: string[];
  use: { verdict: string };
  claims: {
    ports: [number, number];
    transports: string[];
    authority: string;
    product: string | null;
    source: string;
  }[];
  sources: Record<string, unknown>;
  disagreements: { kind: string }[];
}

describe('a port, as people have it', () => {
  test.each([
    ['60163', 60_163, ['tcp', 'udp']],
    ['60163/udp', 60_163, ['udp']],
    ['60163/TCP', 60_163, ['tcp']],
    [':3000', 3000, ['tcp', 'udp']],
    ['localhost:3000', 3000, ['tcp', 'udp']],
    ['[::1]:80', 80, ['tcp', 'udp']],
    ['http://localhost:5173/x', 5173, ['tcp', 'udp']],
    ['https://host/', 443, ['tcp', 'udp']],
    ['https', 443, ['tcp', 'udp']],
    ['HTTPS', 443, ['tcp', 'udp']],
    ['domain/udp', 53, ['udp']],
    [' 80 ', 80, ['tcp', 'udp']],
    ['0', 0, ['tcp', 'udp']],
    ['65535', 65_535, ['tcp', 'udp']],
    ['9899/sctp', 9899, ['sctp']],
  ])('%j', async (input, port, transports) => {
    const { code, out, err } = await portolan([input, '--json']);
    expect(err).toBe('');
    expect(code).toBe(0);
    const report = checked<Report>(out);
    expect(report).toMatchObject({ format: 'portolan.report/1', port, transports });
    expect(['held', 'free', 'unknown']).toContain(report.use.verdict);
    for (const claim of report.claims) expect(Object.keys(report.sources)).toContain(claim.source);
  });
  test('a range', async () => {
    const { code, out } = await portolan(['3000-3010', '--json']);
    expect(code).toBe(0);
    const reports = checked<{ reports: Report[] }>(out).reports;
    expect(reports.map(({ port }) => port)).toEqual(Array.from({ length: 11 }, (_, i) => 3000 + i));
    const text = await portolan(['3000-3010']);
    expect(text.out).toMatch(/^11 ports, 3000–3010/);
  });
  test('all of them in one go', async () => {
    const { code, out } = await portolan(['0-65535']);
    expect(code).toBe(0);
    expect(out.split('\n').length).toBeGreaterThan(65_536);
  });
  test('0 is explained', async () => {
    const { code, out } = await portolan(['0']);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(/0 is no port to talk to/);
  });
  test('after --', async () => {
    expect((await portolan(['--json', '--', '80'])).code).toBe(0);
    expectTold(await portolan(['--', '-5']), 2, /“-5” is not a port/);
  });
});

describe('what is wrong is said, with a hint', () => {
  test.each<[string, string[], RegExp]>([
    ['too large', ['65536'], /“65536” is not a port: port numbers are 0 to 65535/],
    ['negative', ['-1'], /“-1” is not a port/],
    ['negative, two digits', ['-12'], /“-12” is not a port/],
    ['not a number', ['80x'], /“80x” is not a port/],
    ['nothing', [''], /No port was given/],
    ['blanks', ['   '], /No port was given/],
    ['backwards', ['10-5'], /runs backwards/],
    ['a range too large', ['3000-70000'], /not a port/],
    ['no transport', ['80/foo'], /names no transport/],
    ['a URL without a port', ['ftp://'], /is not a port/],
    ['a scheme without a port', ['foo://bar/'], /names no port/],
    ['a name of Object’s', ['constructor://x'], /names no port/],
    ['digits of another script', ['٣٠٠٠'], /neither a port nor/],
    ['two ports', ['80', '81'], /“80” and “81” were given\. Ask for each by itself/],
    [
      'a command that is none, and a port',
      ['show', '80'],
      /no command “show”.*all about a port: portolan 80 $/,
    ],
    ['a command misspelt, and a port', ['kil', '80'], /no command “kil”.*Did you mean “portolan kill”/],
    ['ports with a comma', ['80,81'], /“80,81” is not a port\. One port, or one run of ports, is taken here/],
    ['the same for list', ['list', '--port', '80, 81'], /One port, or one run of ports, is taken here/],
    ['two service names', ['https', 'http'], /“https” and “http”/],
    ['who without a port', ['who'], /A port is missing\. As in: portolan who 3000/],
    ['a run of ports for who', ['who', '80-90'], /not 80-90\. A run of ports, one line each: portolan 80-90/],
    ['a short flag in the other case', ['-v'], /no flag -v here\. Did you mean --version/],
    ['the first letter of a flag', ['list', '-a'], /no flag -a here\. Did you mean --all/],
    ['the first letter of several flags', ['-n'], /no flag -n here\. Flags are listed by --help/],
    ['an unknown flag', ['80', '--frobnicate'], /no flag --frobnicate/],
    ['a flag without its value', ['80', '--procfs-root'], /needs a value/],
    ['a switch with a value', ['80', '--json=yes'], /takes no value/],
    ['a flag twice', ['80', '--color=never', '--color=always'], /twice/],
    ['a colour that is none', ['80', '--color=blue'], /not “blue”/],
    ['a language that is not there', ['80', '--lang', 'xx'], /no language “xx”/],
    ['a language of Object’s', ['80', '--lang', 'constructor'], /no language/],
    ['who without a port', ['who'], /missing/],
    ['who with a range', ['who', '80-90'], /One port/],
    ['search without words', ['search'], /missing\. As in: portolan search xsan/],
    ['ephemeral with a port', ['ephemeral', '60163'], /no port, .* For one port: portolan 60163/],
    [
      'ephemeral with a word',
      ['ephemeral', '--sample', 'x'],
      /“x” was given\. See portolan ephemeral --help/,
    ],
    ['search limit', ['search', 'x', '--limit', '0'], /--limit/],
    ['list with a word', ['list', '80'], /takes no “80”/],
    ['list with an unknown state', ['list', '--state', 'sleeping'], /no state or kind “sleeping”/],
    ['list with an unknown transport', ['list', '--transport', 'quic'], /not “quic”/],
    ['facts with an unknown word', ['facts', 'delete'], /does not know “delete”/],
    ['--from where it does not belong', ['facts', '--from', 'x'], /belongs to facts update/],
    ['control characters', ['80\u001b[31m\u202e'], /not a port|neither/],
  ])('%s', async (_what, args, message) => {
    const outcome = await portolan(args);
    expectTold(outcome, 2, message);
    // biome-ignore lint: escapes are what is looked for
    expect(outcome.err).not.toMatch(/\u001b|\u202e/);
  });
  test('an unknown service: the nearest names are offered', async () => {
    const outcome = await portolan(['htttps']);
    expectTold(outcome, 2, /No service is called “htttps”/);
    expect(outcome.err).toMatch(/Nearest names: .*\bhttps\b/);
    expect(outcome.err).toMatch(/Write it as 60163/);
  });
  test('an unknown service near nothing', async () => {
    expectTold(await portolan(['qqqqzzzzxxxx']), 2, /No service is called/);
  });
  test('an argument of 100 KB is refused in a few words', async () => {
    for (const piece of ['9', 'a', '-', '-9', '-a', '--a=']) {
      const outcome = await portolan([piece.repeat(100_000 / piece.length)]);
      expect(outcome.code).toBe(2);
      expect(outcome.err.length).toBeLessThan(1000);
      expect(outcome.err).not.toMatch(/\n\s+at /);
    }
  });
});

describe('main() with an argument that no shell could give', () => {
  async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const io: Io = {
      out: (text) => {
        out += text;
      },
      async outBeside(bytes) {
        out += new TextDecoder().decode(bytes);
      },
      err: (text) => {
        err += text;
      },
      env: environment(),
      stdoutIsTerminal: false,
      columns: null,
      size: () => null,
      onSignal: () => () => undefined,
      now: () => new Date(0),
    };
    const code = await main({
      args,
      io,
      shippedFacts: '/nowhere',
      bindChild: '/nowhere',
      walkWorker: '/nowhere',
      version: () => '1.2.3',
      call: () => 'portolan',
    });
    return { code, out, err };
  }
  test.each(['9', 'a', 'a.', ' ', '/', ':', '-9', '-x', '--', '\u0000'])('10 MB of %j', async (piece) => {
    const begun = Date.now();
    for (const args of [
      [piece.repeat(10_000_000 / piece.length)],
      ['who', piece.repeat(10_000_000 / piece.length)],
    ]) {
      const { code, out, err } = await run(...args);
      expect(code).toBe(2);
      expect(out).toBe('');
      expect(err.length).toBeLessThan(1000);
      expect(err).not.toMatch(/fault in Portolan/);
    }
    expect(Date.now() - begun).toBeLessThan(5000);
  });
  test('10 MB as a flag, a flag’s value, and words to search for', async () => {
    const long = 'x'.repeat(10_000_000);
    for (const args of [
      [`--${long}`],
      ['80', '--lang', long],
      ['80', `--color=${long}`],
      ['search', long],
      ['list', '--state', long],
    ]) {
      const { code, err } = await run(...args);
      expect(code).toBe(2);
      expect(err.length).toBeLessThan(1000);
    }
  });
  test('facts that are not there', async () => {
    const { code, out, err } = await run('80');
    expect(code).toBe(3);
    expect(out).toBe('');
    expect(err).toMatch(/^portolan: The facts index \/nowhere\//);
  });
});

describe('help', () => {
  const commands: [string, string[]][] = [
    ['report', ['80', '--help']],
    ['list', ['list', '--help']],
    ['who', ['who', '--help']],
    ['search', ['search', '--help']],
    ['facts', ['facts', '-h']],
  ];
  test.each(commands)('of %s has an example that runs', async (name, args) => {
    const { code, out, err } = await portolan(args);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toMatch(/^portolan /);
    expect(out).toMatch(/Exit code: /);
    const examples = [...(out.split('Examples:\n')[1] ?? '').matchAll(/^ {2}(portolan\b.*)$/gm)].map(
      (match) => match[1] ?? '',
    );
    expect(examples.length, name).toBeGreaterThan(0);
    // Other hosts are not to be had here.
    for (const example of examples.filter(
      (line) => !line.includes('facts update') && !line.includes('--host'),
    )) {
      const done = bash(example.replace(/^portolan/, '$PORTOLAN'));
      expect([0, 1], `${example}: ${done.err}`).toContain(done.code);
      expect(done.err, example).toBe('');
    }
  });
  test.each<[string[], RegExp]>([
    [['kil', '--help'], /no command “kil”\. Did you mean “portolan kill --help”/],
    [['help', 'kil'], /no command “kil”\. Did you mean “portolan kill --help”/],
    [['help', 'everything'], /no command “everything”\. Commands are listed by portolan --help/],
  ])('of a command that is none: %j', async (args, message) => {
    expectTold(await portolan(args), 2, message);
  });
  test.each([[['https', '--help']], [['help', '3000']], [['help', 'PORT']], [['--help', ':80']]])(
    'of a port: %j',
    async (args) => {
      expect(await portolan(args)).toMatchObject({ code: 0, err: '' });
      expect((await portolan(args)).out).toMatch(/^portolan PORT\n/);
    },
  );
  test('of the program names every command', async () => {
    const { code, out } = await portolan(['--help']);
    expect(code).toBe(0);
    for (const [name] of commands) expect(out).toContain(`portolan ${name === 'report' ? 'PORT' : name}`);
  });
  test('comes before everything else that is asked', async () => {
    expect((await portolan(['who', '--help', '--json'])).out).toMatch(/^portolan who PORT/);
  });
});

describe('colour', () => {
  // biome-ignore lint: escapes are what is looked for
  const ESCAPE = /\u001b\[/;
  test('none in a pipe, some where asked for, none with never', async () => {
    expect((await portolan(['60163'])).out).not.toMatch(ESCAPE);
    expect((await portolan(['60163', '--color=always'])).out).toMatch(ESCAPE);
    expect((await portolan(['60163', '--color', 'never'])).out).not.toMatch(ESCAPE);
    expect((await portolan(['60163', '--json', '--color=always'])).out).not.toMatch(ESCAPE);
  });
  test('NO_COLOR: asked for on the command line it is given all the same', async () => {
    expect((await portolan(['60163'], { env: { NO_COLOR: '1' } })).out).not.toMatch(ESCAPE);
    expect((await portolan(['60163', '--color=always'], { env: { NO_COLOR: '1' } })).out).toMatch(ESCAPE);
  });
  test('on a terminal it is there, unless NO_COLOR or a dumb terminal says no', () => {
    const onTerminal = (env: Readonly<Record<string, string>>) =>
      bash('script -qec "$PORTOLAN 60163" /dev/null < /dev/null', { TERM: 'xterm', ...env });
    const seen = onTerminal({});
    if (seen.code === 127 || /not found/.test(seen.err)) {
      console.warn('skipped: script(1) is not installed, so there is no terminal to test with');
      return;
    }
    expect(seen.out).toMatch(ESCAPE);
    expect(onTerminal({ NO_COLOR: '1' }).out).not.toMatch(ESCAPE);
    expect(onTerminal({ NO_COLOR: '' }).out).toMatch(ESCAPE);
    expect(onTerminal({ TERM: 'dumb' }).out).not.toMatch(ESCAPE);
  });
  test('colour changes no text', async () => {
    const [plain, coloured] = await Promise.all([
      portolan(['4444', '--no-ffi']),
      portolan(['4444', '--no-ffi', '--color=always']),
    ]);
    // biome-ignore lint: escapes are what is taken out
    expect(coloured.out.replace(/\u001b\[[0-9;]*m/g, '').replace(/ +$/gm, '')).toBe(
      plain.out.replace(/ +$/gm, ''),
    );
  });
});

describe('width', () => {
  const unbroken = (line: string): boolean =>
    /https?:\/\//.test(line) || /^ {4,}(sudo|echo|ss|sysctl|Ambient)/.test(line);
  const widthOf = (line: string): number => [...line].length;
  test.each(['60163', '80', '3000', '4444', '51820', '6000', '0', '65535', '3000-3010'])(
    '%s fits 80 columns',
    async (port) => {
      const { out } = await portolan([port]);
      for (const line of out.split('\n'))
        if (!unbroken(line)) expect(widthOf(line), line).toBeLessThanOrEqual(80);
    },
  );
  test.each(['60163', '4444'])('%s takes what COLUMNS gives', async (port) => {
    const { out } = await portolan([port], { env: { COLUMNS: '120' } });
    const widths = out
      .split('\n')
      .filter((line) => !unbroken(line))
      .map(widthOf);
    expect(Math.max(...widths)).toBeGreaterThan(80);
    expect(Math.max(...widths)).toBeLessThanOrEqual(120);
  });
  test.each(['0', '-5', 'wide', '1', ''])('COLUMNS=%j is no reason to fail', async (columns) => {
    const { code, out } = await portolan(['80'], { env: { COLUMNS: columns } });
    expect(code).toBe(0);
    expect(out.length).toBeGreaterThan(500);
  });
});

describe('locale', () => {
  test.each(['60163', '80', '4444', '51820', '3000-3010'])('LANG=C: %s in ASCII alone', async (port) => {
    const { code, out } = await portolan([port], { env: { LANG: 'C' } });
    expect(code).toBe(0);
    // biome-ignore lint: the bounds of ASCII
    expect(out.replace(/[\n\x20-\x7e]/g, '')).toBe('');
  });
  test.each([[['lst']], [['who', '80', '81']], [['--help']], [['lease', '--help']], [['help', 'audit']]])(
    'LANG=C: errors and help in ASCII alone: %j',
    async (args) => {
      const { out, err } = await portolan(args, { env: { LANG: 'C' } });
      // biome-ignore lint: the bounds of ASCII
      expect(`${out}${err}`.replace(/[\n\x20-\x7e]/g, '')).toBe('');
    },
  );
  test('LC_ALL decides before LANG', async () => {
    expect((await portolan(['60163'], { env: { LANG: 'C', LC_ALL: 'en_US.UTF-8' } })).out).toContain('▼');
    expect((await portolan(['60163'], { env: { LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' } })).out).not.toContain(
      '▼',
    );
  });
});
