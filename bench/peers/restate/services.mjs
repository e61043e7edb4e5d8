// The scenarios as Restate services: PORT=N node services.mjs. A handler of `flows` takes the number of
// calls or steps.
import * as http2 from 'node:http2';
import * as restate from '@restatedev/restate-sdk';

const noop = restate.service({
  name: 'noop',
  handlers: { call: async (_ctx, event) => event },
});

const event = (i) => ({ n: i });

const flows = restate.service({
  name: 'flows',
  handlers: {
    // Calls of another service, each a durable invocation of its own: what a state machine's Task is.
    sequenceOfCalls: async (ctx, n) => {
      for (let i = 0; i < n; ++i) await ctx.serviceClient(noop).call(event(i));
      return n;
    },
    parallelCalls: async (ctx, n) => {
      const calls = [];
      for (let i = 0; i < n; ++i) calls.push(ctx.serviceClient(noop).call(event(i)));
      return (await restate.RestatePromise.all(calls)).length;
    },
    // Steps inside this process, each result recorded: no function is called.
    sequenceOfSteps: async (ctx, n) => {
      for (let i = 0; i < n; ++i) await ctx.run(`s${i}`, () => event(i));
      return n;
    },
    parallelSteps: async (ctx, n) => {
      const steps = [];
      for (let i = 0; i < n; ++i) steps.push(ctx.run(`s${i}`, () => event(i)));
      return (await restate.RestatePromise.all(steps)).length;
    },
  },
});

const handler = restate.createEndpointHandler({ services: [noop, flows] });
http2.createServer(handler).listen(Number(process.env.PORT), '127.0.0.1');
