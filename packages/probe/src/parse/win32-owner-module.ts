// The answer of GetOwnerModuleFromTcpEntry and its kin: TCPIP_OWNER_MODULE_BASIC_INFO (iprtrmib.h), two pointers into the very
// buffer that was handed over.

/** Longest name of a module that is read, in characters: more than any path without a prefix. */
const NAME_LIMIT = 1024;

/**
 * The module's name: of a socket in svchost.exe the service's. `base` is the buffer's own address; null where the pointer
 * leads elsewhere or the text has no end.
 */
export function parseOwnerModule(bytes: Uint8Array, base: number): string | null {
  if (bytes.length < 16) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = Number(view.getBigUint64(0, true)) - base;
  if (!Number.isSafeInteger(at) || at < 16 || at % 2 !== 0) return null;
  return readWide(bytes, at);
}

/** UTF-16 text that ends with a zero; null where it has no end or is empty. */
export function readWide(bytes: Uint8Array, at: number): string | null {
  const units: number[] = [];
  for (let i = at; i + 1 < bytes.length && units.length < NAME_LIMIT; i += 2) {
    const unit = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8);
    if (unit === 0) return units.length === 0 ? null : String.fromCharCode(...units);
    units.push(unit);
  }
  return null;
}
