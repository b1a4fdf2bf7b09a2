// Users of this host: their names, and whether a uid is one of them.
import { parsePasswd } from '../parse/linux-limits.ts';
import { readText } from './read-text.ts';

/** Largest /etc/passwd that is read. */
const PASSWD_LIMIT = 1 << 22;

/**
 * Names of this host's users. A recorded /proc belongs to another host, whose users are not ours: they are in `passwd`,
 * where that came with it.
 */
export function userNames(live: boolean, passwd?: string): (uid: number) => string | null {
  let names: Map<number, string> | null = null;
  return (uid) => {
    if (!live && passwd === undefined) return null;
    names ??= parsePasswd(passwd ?? readText('/etc/passwd', PASSWD_LIMIT)?.text ?? '');
    return names.get(uid) ?? null;
  };
}

/**
 * Default of /proc/sys/kernel/overflowuid: in a user namespace it stands for everybody who is not mapped into it
 * (man user_namespaces(7)).
 */
const OVERFLOW_UID = 65_534;

/** True outside user namespaces: there every uid is itself. */
export function allUsersMapped(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readText('/proc/self/uid_map', 4096)?.text ?? '');
}

/** Tells a uid that is a user's from one that stands for users who are not mapped here. */
export function mappedUsers(live: boolean, recorded?: boolean): (uid: number) => boolean {
  let allMapped = recorded;
  return (uid) =>
    (!live && recorded === undefined) || uid !== OVERFLOW_UID || (allMapped ??= allUsersMapped());
}
