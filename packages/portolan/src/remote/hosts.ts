// From what stands behind --host to destinations that ssh may be given.
import { PortolanError } from '@portolan/core';
import { echo } from '../flags.ts';

/** Hosts that are asked by one call. */
const MOST_HOSTS = 256;
const LONGEST = 320;

/** Letters, digits and the few signs that names of users have: less than `valid_ruser` of OpenSSH lets through. */
const USER = /^[\p{L}\p{N}_](?!.*@-)[\p{L}\p{N}_.+@\\-]*$/u;
/** A name, an alias of ssh_config(5), an IPv4 address, or an IPv6 address with its zone, in brackets or not. */
const NAME =
  /^(?:[\p{L}\p{N}_][\p{L}\p{N}_.-]*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%[\w.]+)?|\[[0-9A-Fa-f:.]+(?:%[\w.]+)?\])$/u;
/** The other form of a destination in ssh(1); the only one that can name a port. */
const URI = /^ssh:\/\/(.*?)(?::(\d{1,5}))?\/?$/i;

/** The destinations, each once, in the order they were named. Throws USAGE for what is none. */
export function readHosts(value: string): readonly string[] {
  const hosts = [...new Set(value.split(/[\n,]/).map((word) => word.trim()))];
  if (hosts.length > MOST_HOSTS) {
    throw new PortolanError('USAGE', `--host: ${hosts.length} hosts are more than ${MOST_HOSTS}.`, {
      hint: 'Ask some of them at a time.',
    });
  }
  for (const host of hosts) if (!isDestination(host)) throw noHost(host);
  return hosts;
}

/** Is it a destination, and nothing that ssh or a shell of its configuration could take for something else? */
export function isDestination(text: string): boolean {
  if (text.length > LONGEST) return false;
  const uri = URI.exec(text);
  const place = uri === null ? text : (uri[1] ?? '');
  if (uri?.[2] !== undefined && !(Number(uri[2]) > 0 && Number(uri[2]) < 65_536)) return false;
  // As ssh does: a user's name may have an @ of its own.
  const at = place.lastIndexOf('@');
  return NAME.test(place.slice(at + 1)) && (at < 0 || isUser(place.slice(0, at)));
}

/** A name may have backslashes, DOMAIN\user, and none at its end. */
function isUser(name: string): boolean {
  return USER.test(name) && !name.endsWith('\\');
}

function noHost(host: string): PortolanError {
  if (host === '') return new PortolanError('USAGE', '--host: a host is missing.', { hint: HINT });
  return new PortolanError('USAGE', `--host: “${echo(host)}” is no host that ssh could be given.`, {
    hint: host.startsWith('-') ? 'A host does not begin with -: ssh would take it for an option.' : HINT,
  });
}

const HINT =
  'As in: --host box, --host user@box, --host ssh://user@box:2222; several: --host a --host b, or a,b.';
