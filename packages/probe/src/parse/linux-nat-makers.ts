// Who wrote a rule and what they call it, as the names of its table and chains and its comment show.
import type { Redirect } from '@portolan/core';

/** Who wrote the rule, what it calls it and what it stands for. */
export function makerOf(
  table: string,
  path: readonly string[],
  comments: readonly string[],
  target: Redirect['target'],
): Pick<Redirect, 'maker' | 'name' | 'publishes'> {
  const maker = makerName(table, path);
  switch (maker) {
    case 'kubernetes':
      return { maker, name: serviceName(path, comments), publishes: null };
    case 'podman': {
      // `dnat name: NETWORK id: CONTAINER` (netavark, src/firewall/varktables/types.rs).
      const id = comments
        .map((text) => /\bid: "?([0-9a-f]{64})\b/.exec(text)?.[1])
        .find((one) => one !== undefined);
      if (id === undefined || target.port === null) return { maker, name: null, publishes: null };
      return {
        maker,
        name: null,
        publishes: { container: { runtime: 'podman', id, name: null }, port: target.port },
      };
    }
    case 'cni': {
      // `dnat name: "NETWORK" id: "CONTAINER"` (containernetworking/plugins, plugins/meta/portmap).
      const name = comments
        .map((text) => /\bname: "([^"]*)"/.exec(text)?.[1])
        .find((one) => one !== undefined);
      return { maker, name: name ?? null, publishes: null };
    }
    case 'docker':
      return { maker, name: null, publishes: null };
    case null:
      return { maker, name: comments[0] ?? null, publishes: null };
  }
}

function makerName(table: string, path: readonly string[]): Redirect['maker'] {
  if (table === 'kube-proxy' || path.some((chain) => chain.startsWith('KUBE-'))) return 'kubernetes';
  if (table === 'docker-bridges' || path.includes('DOCKER')) return 'docker';
  if (table === 'netavark' || path.some((chain) => chain.startsWith('NETAVARK-'))) return 'podman';
  if (table === 'cni_hostport' || path.some((chain) => chain.startsWith('CNI-'))) return 'cni';
  return null;
}

/**
 * `namespace/service:port`, from the comment of a rule (kube-proxy's iptables mode) or from the chains' names
 * (`service-HASH-namespace/service/protocol/port`, its nftables mode).
 */
function serviceName(path: readonly string[], comments: readonly string[]): string | null {
  for (const chain of path) {
    const match = /^(?:service|external)-[A-Z0-9]+-([^/]+)\/([^/]+)\/[a-z]+\/(.*)$/.exec(chain);
    if (match !== null) return `${match[1]}/${match[2]}${match[3] === '' ? '' : `:${match[3]}`}`;
  }
  for (const comment of comments) {
    const match = /^([a-z0-9-]+\/[a-z0-9.-]+(?::[a-z0-9-]+)?)(?= |$)/.exec(comment);
    if (match?.[1] !== undefined) return match[1];
  }
  return null;
}
