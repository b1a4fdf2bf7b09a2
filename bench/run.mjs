// `npm run bench`: Portolan beside its peers, in one run, under loads made here; prints times and ratios.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setUp } from '../tools/setup.mjs';
import { judged } from './budgets.mjs';
import { CASES } from './cases.mjs';
import { prepare } from './loads.mjs';
import { machineFacts } from './machine.mjs';
import { measure } from './measure.mjs';
import { budgetJson, budgetText, caseJson, caseText, headText } from './report.mjs';

const USAGE = `Usage: npm run bench -- [--rounds N | --quick] [--case NAME]... [--json FILE]

  --rounds N   runs of each command, in random order (9)
  --quick      3 rounds
  --case NAME  only this case; may be given several times:
               ${CASES.map((each) => each.name).join(', ')}
  --json FILE  write the figures as JSON too
  -h, --help   show this

At the end stand the budgets of the cases that were run, each met or missed.

Exit codes: 1 an answer was wrong, a command failed or a load did not last; 2 usage.
Missed budgets do not count.
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      case: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.rounds !== undefined && !/^[1-9]\d{0,3}$/.test(values.rounds)) {
    throw new Error(`--rounds takes a number from 1 to 9999, not "${values.rounds}"`);
  }
  const unknown = values.case.find((name) => !CASES.some((each) => each.name === name));
  if (unknown !== undefined) throw new Error(`there is no case "${unknown}"`);
  return {
    help: values.help,
    rounds: values.rounds === undefined ? (values.quick ? 3 : 9) : Number(values.rounds),
    cases: values.case.length === 0 ? CASES : CASES.filter((each) => values.case.includes(each.name)),
    json: values.json,
  };
}

/** Runs the wanted cases; true when every answer was right. */
async function bench(options, signal) {
  const machine = machineFacts();
  process.stdout.write(headText(machine, options.rounds));
  const workshop = await prepare(signal);
  const results = [];
  try {
    for (const each of options.cases) {
      const result = await measure(each, workshop, options.rounds, signal);
      results.push(result);
      process.stdout.write(`\n${caseText(result)}`);
    }
  } finally {
    await workshop.close();
  }
  const budgets = judged(results, machine);
  if (budgets.length > 0) process.stdout.write(`\n${budgetText(budgets, machine)}`);
  if (options.json !== undefined) {
    const figures = {
      format: 'portolan.bench/1',
      machine,
      rounds: options.rounds,
      cases: results.map(caseJson),
      budgets: budgets.map(budgetJson),
    };
    writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  }
  return results.every((result) => result.wrong.length === 0);
}

let options;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (options.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
await setUp();

const stop = new AbortController();
const stoppedBy = { SIGINT: 130, SIGHUP: 129, SIGTERM: 143 };
for (const name of Object.keys(stoppedBy)) process.on(name, () => stop.abort(name));
try {
  process.exitCode = (await bench(options, stop.signal)) ? 0 : 1;
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.exitCode = stoppedBy[stop.signal.reason];
}
