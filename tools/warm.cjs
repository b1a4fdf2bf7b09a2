// Runs the built program as it is most often run and keeps what V8 compiled for it beside it, for the next start.
// node tools/warm.cjs FOLDER
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const folder = process.argv[2];
const program = path.join(folder, 'bin.cjs');
/** What people ask; an answer may fail here, for what was compiled for it counts. */
const ASKED = [['60163'], ['list'], ['list', '--json'], ['who', '60163']];

let last;
class Kept extends vm.Script {
  constructor(...args) {
    super(...args);
    last = this;
  }
}
vm.Script = Kept;

/** Nothing tells when an answer is complete but that there is nothing left to do. */
process.on('beforeExit', () => {
  const args = ASKED.pop();
  if (args === undefined) {
    writeFileSync(path.join(folder, 'program.cjs.cache'), last.createCachedData());
    process.exit(0);
  }
  process.argv = [process.execPath, program, ...args];
  delete require.cache[program];
  // A timer, so that this is called again when nothing is left but the end.
  setImmediate(() => require(program));
});
