// Prints what the built probe sees in the namespace it is started in, as one JSON snapshot per request, in order.
// Argument: a JSON list of requests.
const { snapshot } = await import(new URL('../../../packages/probe/dist/index.js', import.meta.url).href);

const answers = [];
for (const request of JSON.parse(process.argv[2])) answers.push(await snapshot(request));
process.stdout.write(JSON.stringify(answers));
