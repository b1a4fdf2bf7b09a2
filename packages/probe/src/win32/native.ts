// The few calls of iphlpapi.dll and kernel32.dll that the Windows probe needs. Declarations only; nothing is decided here.
import { type Foreign, type ForeignLibrary, type ForeignType, loadForeign } from '../ffi/foreign.ts';

/** Win32 calls as plain functions; buffers must own their memory (`nativeBuffer`). Results are as in C. */
export interface WindowsApi {
  /** GetExtendedTcpTable, sorted; a Win32 error code. `size` holds the length as a DWORD and gets the one that is needed. */
  tcpTable(table: Buffer | null, size: Buffer, family: number, tableClass: number): number;
  /** GetExtendedUdpTable */
  udpTable(table: Buffer | null, size: Buffer, family: number, tableClass: number): number;
  /** GetOwnerModuleFromTcpEntry and its kin for one row; a Win32 error code. */
  ownerModule(transport: 'tcp' | 'udp', six: boolean, row: Buffer, info: Buffer, size: Buffer): number;
  /** OpenProcess; 0 where that is refused or nobody is there. */
  openProcess(access: number, pid: number): number;
  /** QueryFullProcessImageNameW; 0 on failure. `size` counts characters. */
  imageName(handle: number, name: Buffer, size: Buffer): number;
  /** GetProcessTimes; 0 on failure. `times` takes four FILETIMEs: creation, exit, kernel, user. */
  processTimes(handle: number, times: Buffer): number;
  /** CloseHandle */
  closeHandle(handle: number): number;
  /** Address of a buffer's first byte. */
  address(bytes: Uint8Array): number;
}

/** Buffer with an ArrayBuffer of its own, so that its address does not move. */
export function nativeBuffer(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

let cached: WindowsApi | null | undefined;

/** The calls, or null where no native module can be loaded. */
export function loadWindows(): WindowsApi | null {
  if (cached !== undefined) return cached;
  try {
    cached = bind(loadForeign());
  } catch {
    // Nothing for this processor, or a policy keeps it from being loaded: PowerShell serves instead.
    cached = null;
  }
  return cached;
}

function bind(foreign: Foreign): WindowsApi {
  const [iphlpapi, kernel32] = [foreign.load('iphlpapi.dll'), foreign.load('kernel32.dll')];
  const declare = (
    library: ForeignLibrary,
    name: string,
    result: ForeignType,
    ...args: ForeignType[]
  ): ((...args: number[]) => number) => {
    const call = library.func<number | bigint>(name, result, args);
    return (...values) => Number(call(...values));
  };
  const table: ForeignType[] = ['uintptr_t', 'uintptr_t', 'int', 'uint32', 'int', 'uint32'];
  const tcp = declare(iphlpapi, 'GetExtendedTcpTable', 'uint32', ...table);
  const udp = declare(iphlpapi, 'GetExtendedUdpTable', 'uint32', ...table);
  const modules = new Map<string, (...args: number[]) => number>();
  const moduleOf = (entry: string): ((...args: number[]) => number) => {
    const known = modules.get(entry);
    if (known !== undefined) return known;
    const name = `GetOwnerModuleFrom${entry}Entry`;
    const call = declare(iphlpapi, name, 'uint32', 'uintptr_t', 'int', 'uintptr_t', 'uintptr_t');
    modules.set(entry, call);
    return call;
  };
  const open = declare(kernel32, 'OpenProcess', 'intptr_t', 'uint32', 'int', 'uint32');
  const image = declare(
    kernel32,
    'QueryFullProcessImageNameW',
    'int',
    'intptr_t',
    'uint32',
    'uintptr_t',
    'uintptr_t',
  );
  const times = declare(
    kernel32,
    'GetProcessTimes',
    'int',
    'intptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
    'uintptr_t',
  );
  const close = declare(kernel32, 'CloseHandle', 'int', 'intptr_t');
  const address = (bytes: Uint8Array): number => Number(foreign.address(bytes));
  const addressOf = (bytes: Buffer | null): number => (bytes === null ? 0 : address(bytes));
  return {
    tcpTable: (bytes, size, family, tableClass) =>
      tcp(addressOf(bytes), address(size), 1, family, tableClass, 0),
    udpTable: (bytes, size, family, tableClass) =>
      udp(addressOf(bytes), address(size), 1, family, tableClass, 0),
    ownerModule(transport, six, row, info, size) {
      const entry = `${transport === 'tcp' ? 'Tcp' : 'Udp'}${six ? '6' : ''}`;
      return moduleOf(entry)(address(row), 0, address(info), address(size));
    },
    openProcess: (access, pid) => open(access, 0, pid),
    imageName: (handle, name, size) => image(handle, 0, address(name), address(size)),
    processTimes(handle, bytes) {
      const first = address(bytes);
      return times(handle, first, first + 8, first + 16, first + 24);
    },
    closeHandle: (handle) => close(handle),
    address,
  };
}
