// Sits and holds what it inherited until stdin ends. With an argument it first takes that for its title, which is
// its command name as well, and then says so.
const title = process.argv[2];
if (title !== undefined) process.title = title;
process.stdout.write('.');
process.stdin.on('end', () => process.exit(0)).resume();
