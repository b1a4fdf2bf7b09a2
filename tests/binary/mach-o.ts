// What a Mach-O file says of itself, and whether its signature holds: macOS on arm64 starts no file without one.
// Layouts: mach-o/loader.h and kern/cs_blobs.h of XNU.
import { createHash } from 'node:crypto';

const MH_MAGIC_64 = 0xfeedfacf;
const MH_EXECUTE = 2;
const LC_CODE_SIGNATURE = 0x1d;
const CPU: Readonly<Record<number, string>> = { 0x0100000c: 'arm64', 0x01000007: 'x64' };
/** sizeof(struct mach_header_64). */
const HEADER = 32;
const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
const CS_ADHOC = 2;
const CS_HASHTYPE_SHA256 = 2;

export interface MachO {
  readonly cpu: string | undefined;
  readonly executable: boolean;
  /** Null where there is none. `broken` counts the pages whose bytes are not those that were signed. */
  readonly signature: { readonly adHoc: boolean; readonly pages: number; readonly broken: number } | null;
}

/** Reads a file's bytes; null where it is no 64-bit Mach-O file. */
export function readMachO(bytes: Buffer): MachO | null {
  if (bytes.readUInt32LE(0) !== MH_MAGIC_64) return null;
  const head = { cpu: CPU[bytes.readUInt32LE(4)], executable: bytes.readUInt32LE(12) === MH_EXECUTE };
  let at = HEADER;
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    if (bytes.readUInt32LE(at) === LC_CODE_SIGNATURE)
      return { ...head, signature: signatureAt(bytes, bytes.readUInt32LE(at + 8)) };
    at += bytes.readUInt32LE(at + 4);
  }
  return { ...head, signature: null };
}

/** The code directory of the signature whose SuperBlob begins at `start`; its fields are big-endian. */
function signatureAt(bytes: Buffer, start: number): MachO['signature'] {
  const blobs = bytes.readUInt32BE(start + 8);
  for (let nth = 0; nth < blobs; nth++) {
    const at = start + bytes.readUInt32BE(start + 12 + nth * 8 + 4);
    if (bytes.readUInt32BE(at) !== CSMAGIC_CODEDIRECTORY) continue;
    const [hashes, pages, limit] = [16, 28, 32].map((field) => bytes.readUInt32BE(at + field));
    const [size, type, shift] = [36, 37, 39].map((field) => bytes[at + field]);
    if (hashes === undefined || pages === undefined || limit === undefined || size === undefined) return null;
    if (type !== CS_HASHTYPE_SHA256 || shift === undefined) return null;
    let broken = 0;
    for (let page = 0; page < pages; page++) {
      const code = bytes.subarray(page << shift, Math.min((page + 1) << shift, limit));
      const signed = bytes.subarray(at + hashes + page * size, at + hashes + (page + 1) * size);
      if (!createHash('sha256').update(code).digest().subarray(0, size).equals(signed)) broken++;
    }
    return { adHoc: (bytes.readUInt32BE(at + 12) & CS_ADHOC) !== 0, pages, broken };
  }
  return null;
}
