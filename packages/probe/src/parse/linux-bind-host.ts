// /proc/net/if_inet6 and the rights in /proc/PID/status to what a bind depends on.
import type { HostAddress } from '@portolan/core';
import { formatIpv6 } from './address.ts';

/** IFA_F_DADFAILED | IFA_F_TENTATIVE (include/uapi/linux/if_addr.h): the kernel refuses to bind these. */
const NOT_USABLE = 0x08 | 0x40;
/** IFA_F_OPTIMISTIC: in use before duplicate address detection has ended (RFC 4429). */
const OPTIMISTIC = 0x04;

/** Addresses of /proc/net/if_inet6: address, interface number, prefix, scope, flags, interface name. */
export function parseIfInet6(text: string): HostAddress[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([0-9a-f]{32}) ([0-9a-f]{1,8}) [0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)\s+(\S+)/i.exec(line);
    const [, address, index, flagText, device] = match ?? [];
    if (address === undefined || index === undefined || flagText === undefined || device === undefined)
      return [];
    const flags = Number.parseInt(flagText, 16);
    return [
      {
        address: formatIpv6(Buffer.from(address, 'hex'), 0),
        family: 'ipv6' as const,
        device,
        index: Number.parseInt(index, 16),
        usable: (flags & NOT_USABLE) === 0 || (flags & OPTIMISTIC) !== 0,
      },
    ];
  });
}

/** Number of CAP_NET_BIND_SERVICE (man capabilities(7)). */
const CAP_NET_BIND_SERVICE = 10n;

/** Effective rights of a process; null for what the text does not tell. */
export function parseStatusRights(text: string): { mayBindLow: boolean | null; seccomp: boolean | null } {
  const caps = /^CapEff:\s*([0-9a-f]{1,16})$/im.exec(text)?.[1];
  const seccomp = /^Seccomp:\s*(\d)$/m.exec(text)?.[1];
  return {
    mayBindLow: caps === undefined ? null : ((BigInt(`0x${caps}`) >> CAP_NET_BIND_SERVICE) & 1n) === 1n,
    seccomp: seccomp === undefined ? null : seccomp !== '0',
  };
}
