// `tasklist /svc /fo csv /nh`: image and services of every process, by the three fields of a row.

/** A process as tasklist names it. */
export interface Task {
  /** File name of the image, `svchost.exe`. */
  readonly image: string;
  readonly services: readonly string[];
}

/** A field in quotation marks; one within it is doubled. */
const ROW = /^"((?:[^"]|"")*)","(\d{1,10})","((?:[^"]|"")*)"\s*$/;
/** No name of a service has a slash or backslash (CreateServiceW); N/A has one. */
const SERVICE_NAME = /^[^/\\,"]{1,256}$/;
/** Of all others the third field is the display language's word for “none”, which may look like a name. */
const HOSTS_SERVICES = /^svchost\.exe$/i;

/** Processes by pid; services of svchost.exe alone. */
export function parseTasks(text: string): Map<number, Task> {
  const tasks = new Map<number, Task>();
  for (const line of text.split(/\r?\n/)) {
    const match = ROW.exec(line);
    if (match === null) continue;
    const image = (match[1] ?? '').replaceAll('""', '"');
    const services = HOSTS_SERVICES.test(image)
      ? (match[3] ?? '')
          .split(',')
          .map((name) => name.trim())
          .filter((name) => SERVICE_NAME.test(name))
      : [];
    tasks.set(Number(match[2]), { image, services });
  }
  return tasks;
}
