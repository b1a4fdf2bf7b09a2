// Taking ports out of a host's automatic choice: what is set now and at boot, what would change, what came of it.
import type { Message } from './message.ts';
import type { PortRange, Transport } from './port.ts';
import type { Holder, Severity } from './report.ts';
import type { Container, Gap } from './socket.ts';

export type ReserveAction = 'reserve' | 'unreserve';

/** The kernel's list of ports it never chooses by itself (Documentation/networking/ip-sysctl.rst), as sysctl(8) names it. */
export const RESERVED_KEY = 'net.ipv4.ip_local_reserved_ports';

/** One line of a sysctl.d(5) file that sets the list. */
export interface BootSetting {
  /** From 1. */
  readonly line: number;
  readonly value: string;
  /** null where the kernel would refuse the value. */
  readonly ranges: readonly PortRange[] | null;
}

/** A file that is read at boot, by systemd-sysctl(8) or `sysctl --system`. */
export interface BootFile {
  readonly path: string;
  /** File name alone: files are applied in the order of their names. */
  readonly name: string;
  /** Place of its folder in the order of precedence, 0 first: it masks files of the same name in later folders. */
  readonly rank: number;
  /** True for /etc/sysctl.conf, which sysctl(8) reads after all others, and systemd-sysctl(8) not at all. */
  readonly last: boolean;
  readonly settings: readonly BootSetting[];
  /** Name of the error where it could not be read (`EACCES`); null where it could. */
  readonly problem: string | null;
}

/** Who reads the files at boot: systemd-sysctl(8), or `sysctl --system` of procps-ng. */
export type BootReader = 'systemd-sysctl' | 'sysctl';

/** What one of them would set at boot. */
export interface BootValue {
  readonly ranges: readonly PortRange[];
  /** File with the last word; null where none sets the list. */
  readonly path: string | null;
}

/** What was added to the running list of a network namespace since a boot, so that exactly that can be taken away. */
export interface AddedPorts {
  /** /proc/sys/kernel/random/boot_id. */
  readonly boot: string;
  /** Inode of the namespace. */
  readonly namespace: number;
  readonly ports: readonly PortRange[];
}

/** What Portolan remembers in its own drop-in, in comment lines. */
export interface DropInBlock {
  /** Ports that were asked for. */
  readonly ours: readonly PortRange[];
  /** Ports of other files, which the drop-in would otherwise take away, for the last value wins at boot. */
  readonly theirs: readonly PortRange[];
  readonly added: readonly AddedPorts[];
  /** Folders that were made for it, from its own upwards. */
  readonly madeFolders: number;
}

/** Whose network namespace it is, as far as that can be told from inside. */
export type NamespaceKind = 'host' | 'container' | 'pod' | 'named' | 'other' | 'unknown';

/** The network namespace that settings and proofs are about: the one that Portolan runs in. */
export interface NamespaceView {
  readonly kind: NamespaceKind;
  /** As in `net:[INODE]`; null where it could not be read. */
  readonly inode: number | null;
  /** Names under /run/netns. */
  readonly names: readonly string[];
  readonly container: Container | null;
}

/** Everything that is read before anything is changed. */
export interface ReserveState {
  readonly platform: string;
  /** The running list; null where it could not be read. */
  readonly list: readonly PortRange[] | null;
  readonly ephemeral: PortRange | null;
  readonly namespace: NamespaceView;
  readonly bootId: string;
  readonly files: readonly BootFile[];
  /** Path of Portolan's drop-in. */
  readonly dropIn: string;
  /** Text of the drop-in; null where it is not there. */
  readonly dropInText: string | null;
  /** Name of the error where the drop-in is there and could not be read. */
  readonly dropInProblem: string | null;
  /** The drop-in's text that a run had ready when it was ended, before it was in its place; null where none was. */
  readonly unfinishedText: string | null;
  /** Folders that would have to be made for the drop-in, from its own upwards; 0 where it is there. */
  readonly foldersMissing: number;
}

/** One of the four lists of Windows (`excludedportrange`), as it is now. */
export interface WindowsList {
  readonly transport: 'tcp' | 'udp';
  readonly family: 'ipv4' | 'ipv6';
  /** `administered`: made by an administrator, so that binding on purpose stays allowed. */
  readonly ranges: readonly { readonly ports: PortRange; readonly administered: boolean }[];
}

/** One run of netsh, and the one that takes it back. */
export interface WindowsStep {
  readonly verb: 'add' | 'delete';
  readonly args: readonly string[];
  readonly undo: readonly string[];
}

export type ReserveNoteKind =
  | 'outside'
  | 'already'
  | 'not-ours'
  | 'absent'
  | 'listener'
  | 'connection'
  | 'closing'
  | 'leaves-none'
  | 'leaves-few'
  | 'boot-overridden'
  | 'boot-merged'
  | 'boot-invalid'
  | 'boot-unreadable'
  | 'boot-returns'
  | 'drop-in-damaged'
  | 'drop-in-edited'
  | 'unfinished'
  | 'long'
  | 'transport'
  | 'system';

/** Something that the person who asked should know. */
export interface ReserveNote {
  readonly kind: ReserveNoteKind;
  readonly severity: Severity;
  readonly text: Message;
  readonly holders: readonly Holder[];
}

/** A file as it is and as it would be; null: not there. */
export interface FileChange {
  readonly path: string;
  readonly old: string | null;
  readonly new: string | null;
}

/** Why nothing can or may be done. */
export type ReserveRefusal =
  | 'list-unreadable'
  | 'drop-in-unreadable'
  | 'leaves-none'
  | 'not-ours'
  | 'excluded'
  | 'inexact'
  | 'other-system';

/** What would change. */
export interface ReservePlan {
  readonly action: ReserveAction;
  readonly ports: readonly PortRange[];
  /** The running list. */
  readonly before: readonly PortRange[] | null;
  readonly after: readonly PortRange[] | null;
  readonly add: readonly PortRange[];
  readonly remove: readonly PortRange[];
  readonly files: readonly FileChange[];
  /** What each reader would set at boot; null where no file is touched nor read. */
  readonly boot: {
    readonly before: Readonly<Record<BootReader, BootValue>>;
    readonly after: Readonly<Record<BootReader, BootValue>>;
  } | null;
  readonly notes: readonly ReserveNote[];
  readonly refusal: ReserveRefusal | null;
  /** What does it, to be copied. */
  readonly commands: readonly string[];
  readonly undo: readonly string[];
}

/** A system call that lets the kernel choose a port (`bind`: bind(2) with port 0; `connect`: connect(2) unbound). */
export type ChoiceCall = 'bind' | 'connect';

/** One of the ways in which the kernel chooses a port. */
export interface ChoiceWay {
  readonly transport: Extract<Transport, 'tcp' | 'udp'>;
  readonly call: ChoiceCall;
}

/** `given`: the kernel chose it; `refused`: it rather failed; `untried`: could not be asked. */
export type Choice = 'given' | 'refused' | 'untried';

/**
 * How one port fared where the kernel was left no other choice (IP_LOCAL_PORT_RANGE, Linux 6.3). `free`: it could be
 * bound on purpose, so that it was no holder that kept it back; null where that was not tried.
 */
export interface ExactTrial extends ChoiceWay {
  readonly port: number;
  readonly before: Choice;
  readonly after: Choice;
  readonly free: boolean | null;
}

/** Choices of the kernel from its whole range, again and again, for kernels without that option. */
export interface RepeatedTrial extends ChoiceWay {
  readonly port: number;
  /** Ports that the kernel chose. */
  readonly draws: number;
  /** Of them this very port. */
  readonly hits: number;
  /** Times the port was passed by (connect), else draws that could have been it. */
  readonly chances: number;
  /** Chance that a port in free choice would not have come either, 0–1. */
  readonly luck: number;
}

/** What was shown by asking the kernel for ports. */
export interface ReserveProof {
  readonly method: 'exact' | 'repeated' | 'none';
  /** Why there is none, or why it stopped early; null else. */
  readonly reason: 'not-asked' | 'outside' | 'too-many' | 'time' | 'no-loopback' | null;
  /** Ports that could be asked for: those within the ephemeral range. */
  readonly candidates: number;
  readonly exact: readonly ExactTrial[];
  readonly repeated: readonly RepeatedTrial[];
}

/** A step that failed. */
export interface ReserveFailure {
  readonly step: 'lock' | 'list' | 'file' | 'verify';
  /** Name of the error, `EROFS`; null where there is none. */
  readonly code: string | null;
  readonly path: string | null;
  /** Process that holds the lock; null where it is none or not known. */
  readonly pid: number | null;
  /** Was what had been changed changed back? null where nothing had been. */
  readonly restored: boolean | null;
  readonly remedies: readonly string[];
}

/** The whole answer. */
export interface ReserveReport {
  readonly plan: ReservePlan;
  readonly state: ReserveState;
  /** False where only the plan was asked for. */
  readonly asked: boolean;
  readonly applied: boolean;
  /** Read back and found as planned; null where nothing was applied. */
  readonly verified: boolean | null;
  /** The running list as it was read back; null where nothing was applied. */
  readonly now: readonly PortRange[] | null;
  readonly proof: ReserveProof | null;
  readonly failure: ReserveFailure | null;
  readonly gaps: readonly Gap[];
}
