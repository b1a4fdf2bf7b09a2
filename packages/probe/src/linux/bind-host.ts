// Reads what a bind depends on besides sockets: addresses, rights, confinement.
import { existsSync, readdirSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import type { BindHost, HostAddress } from '@portolan/core';
import { parseIfInet6, parseStatusRights } from '../parse/linux-bind-host.ts';
import { readText } from './read-text.ts';

/** Most bytes of one small kernel file. */
const LIMIT = 1 << 16;

/** Facts about this host and this process; on other systems than Linux, addresses and user alone. */
export function readBindHost(): BindHost {
  const linux = process.platform === 'linux';
  const text = (path: string): string | null => (linux ? (readText(path, LIMIT)?.text ?? null) : null);
  const rights = parseStatusRights(text('/proc/self/status') ?? '');
  const map = text('/proc/self/uid_map');
  const modules = text('/sys/kernel/security/lsm')?.trim() ?? null;
  const label = (text('/proc/self/attr/current') ?? '').replace(/[\0\n]+$/, '');
  return {
    addresses: readAddresses(text('/proc/net/if_inet6')),
    // Where /proc shows nothing of the network (systemd's ProcSubset=pid), IPv6 may be there all the same.
    ipv6: !linux || existsSync('/proc/net/if_inet6') || !existsSync('/proc/net/tcp'),
    ipv6Disabled: linux ? disabledOn() : [],
    uid: process.geteuid?.() ?? null,
    mayBindLow: rights.mayBindLow,
    userNamespace: map !== null && !/^\s*0\s+0\s+4294967295\s*$/.test(map),
    modules: modules === null || modules === '' ? null : modules.split(','),
    confinedBy: label === '' || label === 'unconfined' ? null : label,
    seccomp: rights.seccomp,
  };
}

const IPV6_SETTINGS = '/proc/sys/net/ipv6/conf';

/** Interfaces on which IPv6 is switched off; none where the settings cannot be seen. */
function disabledOn(): string[] {
  let names: string[];
  try {
    names = readdirSync(IPV6_SETTINGS);
  } catch {
    return [];
  }
  // `default` is for interfaces to come.
  return names.filter(
    (name) =>
      name !== 'default' && readText(`${IPV6_SETTINGS}/${name}/disable_ipv6`, LIMIT)?.text.trim() === '1',
  );
}

/** IPv4 from getifaddrs(3); IPv6 from the kernel's own table, which tells addresses that cannot be used yet. */
function readAddresses(ifInet6: string | null): HostAddress[] {
  const listed = interfaces().flatMap(([device, entries]) =>
    (entries ?? []).map(
      ({ address, family }): HostAddress => ({
        address,
        family: family === 'IPv4' ? 'ipv4' : 'ipv6',
        device,
        usable: true,
        index: null,
      }),
    ),
  );
  if (ifInet6 === null) return listed;
  return [...listed.filter(({ family }) => family === 'ipv4'), ...parseIfInet6(ifInet6)];
}

function interfaces(): [string, NetworkInterfaceInfo[] | undefined][] {
  try {
    return Object.entries(networkInterfaces());
  } catch {
    // getifaddrs(3) binds a netlink socket, which what confines us may refuse.
    return [];
  }
}
