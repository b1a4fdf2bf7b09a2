// Sixteen processes ask for a port of one range at the same moment, and tell what they were given; nobody binds before
// all have been. Arguments: the module whose getPort is asked, `get-port` or the library's file; first and last port.
import { fork } from 'node:child_process';
import { pathToFileURL } from 'node:url';

const [what, first, last] = process.argv.slice(2);
const range = Array.from({ length: last - first + 1 }, (_, index) => Number(first) + index);

if (process.env.RACE_WORKER !== undefined) {
  const { default: theirs } = await import('get-port');
  const getPort = what === 'get-port' ? theirs : (await import(pathToFileURL(what).href)).getPort;
  process.send('ready');
  process.once('message', () => {
    void getPort({ port: range }).then((port) => process.send({ port }));
  });
  process.once('disconnect', () => process.exit(0));
} else {
  const children = range.map(() =>
    fork(new URL(import.meta.url), process.argv.slice(2), {
      env: { ...process.env, RACE_WORKER: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const next = (child) => new Promise((resolve) => child.once('message', resolve));
  await Promise.all(children.map(next));
  const answers = children.map(next);
  for (const child of children) child.send('go');
  const ports = (await Promise.all(answers)).map(({ port }) => port);
  process.stdout.write(`${JSON.stringify(ports)}\n`);
  for (const child of children) child.disconnect();
}
