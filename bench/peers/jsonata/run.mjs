// The same as bench/jsonata_bench.cc with the reference implementation: run.mjs FILE.
import fs from 'node:fs';
import jsonata from 'jsonata';

const task = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));

async function rate(expression, input, seconds) {
  const begin = performance.now();
  const end = begin + seconds * 1000;
  let count = 0;
  let batch = 1; // between two looks at the clock
  let now = begin;
  while (now < end) {
    for (let i = 0; i < batch; ++i) await expression.evaluate(input);
    count += batch;
    const before = now;
    now = performance.now();
    if (now - before < 1) batch *= 2;
  }
  return (count * 1000) / (now - begin);
}

async function measured({ expr, document }) {
  const input = task.documents[document];
  try {
    const expression = jsonata(expr);
    const value = await expression.evaluate(input);
    await rate(expression, input, task.seconds / 2); // warms up
    return { value, per_s: await rate(expression, input, task.seconds) };
  } catch (error) {
    return { error: error.message };
  }
}

const results = [];
for (const one of task.cases) results.push(await measured(one));
console.log(JSON.stringify({ results, node: process.version }));
