// A charging station made of npm ocpp-rpc in strict mode, steered by lines of
// JSON on standard input, so that the system tests decide what it says while
// framing and schema checks are somebody else's code.
//
//   in:  {"id":1,"action":"BootNotification","payload":{…}}   a CALL
//        {"answer":"Reset","payload":{…}}                     how to answer a CALL from now on; null: NotImplemented
//        {"ask":"Reset"}                                      from now on the test answers each CALL itself:
//        {"turn":7,"payload":{…}}                             … as the CALL with this turn
//        {"close":true}
//   out: {"open":"ocpp1.6"}  {"id":1,"result":{…}}  {"id":1,"error":{…}}
//        {"called":"Reset","payload":{…},"turn":7}  {"strict":"…"}  {"closed":1000}
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const { RPCClient, createValidator, createRPCError } = require('ocpp-rpc');

const { values: arg } = parseArgs({
  options: {
    endpoint: { type: 'string' }, identity: { type: 'string' }, password: { type: 'string' }, protocol: { type: 'string' },
    ca: { type: 'string' }, cert: { type: 'string' }, key: { type: 'string' }, // PEM files, for security profiles 2 and 3
  },
});

// ocpp-rpc 2.2.1 ships the 2.1 schemas under ids its own look-up does not
// use (urn:XRequest for urn:X.req); registering them under the right ones
// turns its strict mode on for 2.1.
const renamed = require('ocpp-rpc/lib/schemas/ocpp2_1.json').map((schema) => ({
  ...schema,
  $id: schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf'),
}));

const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const answers = new Map();
const asked = new Set();
const turns = new Map();
let turn = 0;

const file = (name) => (name ? readFileSync(name) : undefined);

const station = new RPCClient({
  wsOpts: { ca: file(arg.ca), cert: file(arg.cert), key: file(arg.key) },
  endpoint: arg.endpoint,
  identity: arg.identity,
  password: arg.password,
  protocols: [arg.protocol],
  strictMode: true,
  strictModeValidators: [createValidator('ocpp2.1', renamed)],
  reconnect: false,
  respondWithDetailedErrors: true,
  callTimeoutMs: 20000,
  pingIntervalMs: 0,
});

station.on('strictValidationFailure', ({ error, method }) => say({ strict: `${method}: ${error?.message ?? error}` }));
let open = false;
station.on('close', ({ code }) => {
  if (!open) return; // a refused handshake is told below, with its status
  say({ closed: code });
  process.exit(0);
});
station.handle(({ method, params }) => {
  if (asked.has(method)) {
    say({ called: method, payload: params, turn: ++turn });
    return new Promise((resolve) => turns.set(turn, resolve));
  }
  say({ called: method, payload: params });
  if (!answers.has(method)) throw createRPCError('NotImplemented', `the test has no answer for ${method}`);
  return answers.get(method);
});

try {
  await station.connect();
} catch (error) {
  say({ refused: String(error?.message ?? error), code: error?.code });
  process.exit(0);
}
open = true;
say({ open: station.protocol });

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.close) {
    station.close({ code: 1000 }); // it waits for answers to the platform's CALLs, which come by this loop
  } else if (order.turn) {
    turns.get(order.turn)(order.payload);
    turns.delete(order.turn);
  } else if (order.ask) {
    asked.add(order.ask);
    say({ id: order.id, result: null });
  } else if (order.answer) {
    if (order.payload === null) answers.delete(order.answer);
    else answers.set(order.answer, order.payload);
    say({ id: order.id, result: null });
  } else {
    station.call(order.action, order.payload).then(
      (result) => say({ id: order.id, result }),
      (error) => say({ id: order.id, error: { code: error.rpcErrorCode ?? error.code, message: String(error.message) } }),
    );
  }
}
process.exit(0);
