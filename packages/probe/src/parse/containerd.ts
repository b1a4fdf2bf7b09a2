// Protocol Buffers answers of containerd: the lists of namespaces and of containers.
// Field numbers: containerd, api/services/{namespaces/v1/namespace,containers/v1/containers}.proto.
import { type EngineContainers, reading, readNerdctlPorts, saneName } from './container-engines.ts';
import { ShapeError } from './json-shape.ts';

/** ListNamespacesResponse.namespaces and ListContainersResponse.containers. */
const ITEMS = 1;
/** Namespace.name and Container.id. */
const NAME = 1;
/** Container.labels, a map<string, string>: an entry message with key 1 and value 2. */
const LABELS = 2;
const KEY = 1;
const VALUE = 2;

/** Wire types (protobuf.dev, Encoding). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Names of containerd's namespaces; a `problem` with the offset where the bytes are no such message. */
export function parseNamespaces(
  bytes: Buffer,
):
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly problem: string } {
  try {
    const names: string[] = [];
    eachBlock(bytes, 0, bytes.length, (field, start, end) => {
      if (field === ITEMS) names.push(lastText(bytes, start, end, NAME));
    });
    return { ok: true, names };
  } catch (error) {
    if (error instanceof ShapeError) return { ok: false, problem: error.message };
    throw error;
  }
}

/**
 * Containers with the names that their makers put into labels: nerdctl's own, or Kubernetes' pod and container as
 * `namespace/pod/container`. Containers of neither have no name.
 */
export function parseContainerdContainers(bytes: Buffer): EngineContainers {
  return reading(() => {
    const items: { id: string; labels: Map<string, string> }[] = [];
    eachBlock(bytes, 0, bytes.length, (field, start, end) => {
      if (field !== ITEMS) return;
      const labels = new Map<string, string>();
      eachBlock(bytes, start, end, (inner, from, to) => {
        if (inner === LABELS) labels.set(lastText(bytes, from, to, KEY), lastText(bytes, from, to, VALUE));
      });
      items.push({ id: lastText(bytes, start, end, NAME), labels });
    });
    return items.map(({ id, labels }, index) => {
      const ports = labels.get('nerdctl/ports');
      return {
        id,
        name: saneName(nameOf(labels)),
        runtime: 'containerd',
        infra: false,
        published: ports === undefined ? [] : readNerdctlPorts(ports, `container ${index}, nerdctl/ports`),
      };
    });
  });
}

function nameOf(labels: ReadonlyMap<string, string>): string | null {
  const nerdctl = labels.get('nerdctl/name');
  if (nerdctl !== undefined && nerdctl !== '') return nerdctl;
  const parts = ['namespace', 'name'].map((part) => labels.get(`io.kubernetes.pod.${part}`));
  // The container that only holds a pod's namespaces has no name of its own.
  const own = labels.get('io.kubernetes.container.name');
  const known = [...parts, own].filter((part) => part !== undefined && part !== '');
  return known.length === 0 ? null : known.join('/');
}

/** The string field `wanted` of a message; the last one counts, '' where there is none. */
function lastText(bytes: Buffer, start: number, end: number, wanted: number): string {
  let text = '';
  eachBlock(bytes, start, end, (field, from, to) => {
    if (field === wanted) text = bytes.toString('utf8', from, to);
  });
  return text;
}

/** Hands every length-delimited field of a message to `onBlock` and skips the others. */
function eachBlock(
  bytes: Buffer,
  start: number,
  end: number,
  onBlock: (field: number, start: number, end: number) => void,
): void {
  for (let at = start; at < end; ) {
    const tag = varint(bytes, at, end);
    const field = Math.floor(tag.value / 8);
    if (field === 0) throw new ShapeError(`field 0 at offset ${at}`, 'field');
    const type = tag.value % 8;
    at = tag.next;
    if (type === VARINT) {
      at = varint(bytes, at, end).next;
      continue;
    }
    let size = type === FIXED64 ? 8 : 4;
    if (type === LENGTH) {
      const length = varint(bytes, at, end);
      size = length.value;
      at = length.next;
    } else if (type !== FIXED64 && type !== FIXED32) {
      throw new ShapeError(`wire type ${type} at offset ${at}`, 'known one');
    }
    if (size > end - at) throw new ShapeError(`length ${size} at offset ${at}`, 'length within the message');
    if (type === LENGTH) onBlock(field, at, at + size);
    at += size;
  }
}

/** A base-128 number of at most ten bytes; numbers beyond 2^53 lose digits, which only makes lengths too long. */
function varint(bytes: Buffer, start: number, end: number): { value: number; next: number } {
  let value = 0;
  for (let at = start; at < end && at < start + 10; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - start));
    if (byte < 0x80) return { value, next: at + 1 };
  }
  throw new ShapeError(`what stands at offset ${start}`, 'number');
}
