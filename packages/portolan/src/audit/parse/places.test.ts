// Places are exact: what stands at every place is the number that was read, whatever the file around it looks like.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCompose } from './compose.ts';
import { readEnv } from './env.ts';
import { readKubernetes } from './kubernetes.ts';
import { readPackageJson } from './package-json.ts';
import { readUnit } from './systemd.ts';
import { type Parsed, TextFile } from './text-file.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const blanks = fc.stringMatching(/^ {1,4}$/);
const ending = fc.constantFrom('\n', '\r\n');
const mark = fc.constantFrom('', '\uFEFF');

function holds(parsed: Parsed, text: string, expected: readonly number[]): void {
  expect(parsed.fixed.map(({ ports }) => ports[0])).toEqual(expected);
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const { place, ports } of parsed.fixed) {
    const written = lines[(place?.line ?? 0) - 1]?.slice(
      (place?.column ?? 0) - 1,
      (place?.endColumn ?? 0) - 1,
    );
    expect(written).toBe(String(ports[0]));
  }
}

test('compose, in every quote and with any blanks', () => {
  const row = fc.record({
    port,
    quote: fc.constantFrom('', '"', "'"),
    blank: blanks,
    host: fc.constantFrom('', '127.0.0.1:', '[::1]:'),
  });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), ending, mark, (rows, end, bom) => {
      const lines = rows.map((each) => {
        // Brackets are a list of YAML's own without quotes.
        const quote = each.host === '[::1]:' && each.quote === '' ? '"' : each.quote;
        return `   -${each.blank}${quote}${each.host}${each.port}:80${quote} # 99:99`;
      });
      const text = `${bom}${['services:', ' é𝒳: {}', ' web:', '  ports:', ...lines, ''].join(end)}`;
      holds(
        readCompose(new TextFile('c', text, null), { settings: new Map(), other: () => null }),
        text,
        rows.map((each) => each.port),
      );
    }),
  );
});

test('a manifest, a unit, variables and scripts', () => {
  fc.assert(
    fc.property(port, blanks, ending, mark, (number, blank, end, bom) => {
      const file = (text: string): TextFile => new TextFile('f', text, null);
      const manifest = `${bom}kind: Service${end}spec:${end}${blank}ports:${end}${blank}-${blank}nodePort:${blank}${number}${end}`;
      holds(readKubernetes(file(manifest)), manifest, [number]);
      const unit = `${bom}[Socket]${end}ListenStream${blank}=${blank}[::]:${number}${end}`;
      holds(readUnit({ name: 'a.socket', files: [file(unit)], enabled: null }), unit, [number]);
      const env = `${bom}# x${end}${blank}export${blank}PORT=${blank}"${number}"${blank}# 1${end}`;
      holds(readEnv(file(env)), env, [number]);
      const script = `${bom}{${end}${blank}"scripts": {"é": "a \\"b\\" && serve -l ${number}"}${end}}`;
      holds(readPackageJson(file(script)), script, [number]);
    }),
  );
});
