// Runs scenarios one after another, so that no test waits for Node to start: for each line of JSON on standard input
// (`client`, `scenario`, and where and what to ask) a line with its `result`, or with the `problem` it ran into.
import { createInterface } from 'node:readline';
import { scenarios as aisdk } from './aisdk.mjs';
import { scenarios as media } from './media.mjs';
import { scenarios as openai } from './openai.mjs';

const clients = { aisdk, media, openai };

async function told({ client, scenario, ...asked }) {
  try {
    return { result: await clients[client](asked)[scenario]() };
  } catch (error) {
    return { problem: `${error.stack ?? error}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await told(JSON.parse(line))));
}
