// What the figures depend on besides Portolan: processor, kernel, Node and the peers; no names, no paths.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** Path of a program, or null where it is not installed. Looked up once, so that no search is measured. */
export function which(name) {
  // Administrators' tools are not on every user's PATH.
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']) {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not here.
    }
  }
  return null;
}

function version(name, args, pattern) {
  const path = which(name);
  if (path === null) return null;
  const { stdout, stderr } = spawnSync(path, args, { encoding: 'utf8' });
  return pattern.exec(`${stdout}\n${stderr}`)?.[1] ?? null;
}

/** Facts about this machine, for the head of the report and the JSON. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    node: process.versions.node,
    root: isRoot(),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    processesBefore: processCount(),
    peers: {
      ss: version('ss', ['-V'], /iproute2-(\S+?),?\s/),
      lsof: version('lsof', ['-v'], /revision:\s*(\S+)/),
      cc: version('cc', ['-dumpfullversion'], /^(\S+)/),
    },
  };
}

/** Root of the whole host: root of a user namespace has no BPF. */
function isRoot() {
  if (process.geteuid?.() !== 0) return false;
  try {
    return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'latin1'));
  } catch {
    return true;
  }
}

function processCount() {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;
  } catch {
    return null;
  }
}
