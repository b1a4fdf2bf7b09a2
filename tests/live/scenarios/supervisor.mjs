// Starts a server on the port it is given and starts it anew whenever it ends, as supervisors do; prints its pids.
import { spawn } from 'node:child_process';

const SERVER = `require('node:net').createServer().listen(${Number(process.argv[2])}, '127.0.0.1',
  () => process.stdout.write(process.pid + '\\n'))`;
let child;
function start() {
  child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'inherit', 'inherit'] });
  child.once('exit', start);
}
start();
process.stdin
  .on('end', () => {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    process.exit(0);
  })
  .resume();
