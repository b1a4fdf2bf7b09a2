// Holds so many descriptors that are no sockets: a host as it is where much runs. Argument: how many. Says "ready"
// once; ends with stdin.
import { openSync } from 'node:fs';

for (let count = Number(process.argv[2]); count > 0; count--) openSync('/dev/null', 'r');
process.stdout.write('ready\n');
process.stdin.on('end', () => process.exit(0)).resume();
