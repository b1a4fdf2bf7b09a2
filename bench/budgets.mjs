// The budgets: what Portolan promises beside its peers, each judged by the medians of one case of one run.

const MEGABYTE = 1e6;

/*
 * A budget has a question in words, a case (`of`), a command of ours and one beside it by their short names (`peer`,
 * null for none), what is wanted in words, and `judge(ours, peer)`, which gets their rows and returns
 * { value, shown, met }.
 */

/** At least so many times as fast as the peer. */
function faster(times) {
  return {
    wanted: times === 1 ? 'faster' : `≥ ${times}×`,
    judge: (ours, peer) => {
      const value = median(peer.wallMs) / median(ours.wallMs);
      return { value, shown: `${value.toFixed(2)}×`, met: times === 1 ? value > 1 : value >= times };
    },
  };
}

/** At most so many times the peer's time. */
function within(times) {
  return {
    wanted: `≤ ${times}× its time`,
    judge: (ours, peer) => {
      const value = median(ours.wallMs) / median(peer.wallMs);
      return { value, shown: `${value.toFixed(2)}×`, met: value <= times };
    },
  };
}

/** Never as much resident memory as this, in any round. */
function smaller(megabytes) {
  return {
    wanted: `< ${megabytes} MB peak`,
    judge: ({ peakBytes }) => {
      const value = Math.max(...peakBytes) / MEGABYTE;
      return { value, shown: `${value.toFixed(0)} MB`, met: value < megabytes };
    },
  };
}

/** The first byte is out before this share of the time has passed: what is put together whole comes at the end. */
function streamed(share) {
  return {
    wanted: `1st byte ≤ ${share * 100} %`,
    judge: ({ wallMs, firstByteMs }) => {
      const value = median(firstByteMs.map((first, run) => first / wallMs[run]));
      // Without output there is no first byte.
      return { value, shown: `${(value * 100).toFixed(0)} %`, met: value > 0 && value <= share };
    },
  };
}

const FIRST_LOAD = 'first load';

const CROWD_ONE = { question: 'one port, 45,000 listeners', of: 'crowd-one', ours: 'who' };
const GIANT_ONE = { question: 'one port, 19,000 of one process', of: 'giant-one', ours: 'who' };
const CROWD_ALL = { question: 'all of 45,000, first load, root', of: 'crowd-all', ours: FIRST_LOAD };
const NO_BPF = { question: 'all of 45,000, no BPF', of: 'crowd-all', ours: 'list --json --no-bpf' };
const BUSY_ONE = { question: 'one port, 40,000 connections', of: 'busy-one', ours: 'who' };
const QUIET_ONE = { question: 'one port, quiet host', of: 'quiet', ours: 'who' };
const MEMORY = {
  question: 'memory, all of 45,000 as JSON',
  of: 'crowd-all',
  ours: 'list --json',
  peer: null,
};

const BUDGETS = [
  { ...CROWD_ONE, peer: 'ss', ...faster(8) },
  { ...CROWD_ONE, peer: 'lsof', ...faster(20) },
  { ...GIANT_ONE, peer: 'ss', ...faster(5) },
  { ...GIANT_ONE, peer: 'lsof', ...faster(10) },
  { ...CROWD_ALL, peer: 'ss', ...faster(12) },
  { ...CROWD_ALL, peer: 'lsof', ...faster(12) },
  { ...NO_BPF, peer: 'the C limit', ...within(1.5) },
  { ...BUSY_ONE, peer: 'ss', ...faster(1) },
  { ...QUIET_ONE, peer: 'node -e 0', ...within(1.25) },
  { ...MEMORY, ...smaller(200) },
  { ...MEMORY, question: 'memory, the same without BPF', ours: NO_BPF.ours, ...smaller(200) },
  { ...MEMORY, question: 'streamed, all of 45,000 as JSON', ...streamed(0.9) },
];

/**
 * The budgets of the cases that were run: { case, question, beside, wanted, value, shown, verdict }. The verdict is `met`,
 * `missed`, or `not measured`, where value and shown are null: a program is missing, an answer was wrong, or BPF is
 * asked for and we are not root.
 */
export function judged(results, machine) {
  return BUDGETS.flatMap(({ question, of, ours, peer, wanted, judge }) => {
    const result = results.find(({ name }) => name === of);
    if (result === undefined) return [];
    const row = (role, short) =>
      result.rows.find(({ command, wallMs }) => {
        return command.role === role && command.short === short && wallMs.length > 0;
      });
    const mine = row('ours', ours);
    const theirs = peer === null ? null : row('peer', peer);
    const about = { case: of, question, beside: peer, wanted };
    const lacking = mine === undefined || theirs === undefined || (ours === FIRST_LOAD && !machine.root);
    if (lacking || result.wrong.length > 0)
      return [{ ...about, value: null, shown: null, verdict: 'not measured' }];
    const { value, shown, met } = judge(mine, theirs);
    return [{ ...about, value, shown, verdict: met ? 'met' : 'missed' }];
  });
}

/** The middle one of some samples, or the mean of the two in the middle. */
export function median(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
