// The Azure Functions worker, as far as the programming model of @azure/functions needs one: it registers functions, turns a request into the worker's
// own types, runs the function through the library's invocation model, and gives back what it answered. One HTTP endpoint: POST /FUNCTION.
import http from 'node:http';
import Module from 'node:module';

const [, , port, ...modules] = process.argv;
const functions = new Map();
let model;
const core = {
  version: '4.0.0',
  setProgrammingModel: (given) => {
    model = given;
  },
  getProgrammingModel: () => model,
  registerFunction: (metadata, callback) => {
    functions.set(metadata.name, { metadata, callback });
    return { dispose() {} };
  },
  registerHook: () => ({ dispose() {} }),
  log: (level, _category, message) => console.log(`${level}: ${message}`),
};
// oxlint-disable no-underscore-dangle -- Node's own name for the loader's hook
const load = Module._load;
Module._load = function loadWithCore(request, ...rest) {
  return request === '@azure/functions-core' ? core : load.call(this, request, ...rest);
};
for (const each of modules) await import(each);

let count = 0;
async function run(name, given) {
  const found = functions.get(name);
  if (found === undefined) return { ok: false, message: `no function ${name}` };
  const [triggerName] = Object.entries(found.metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
  const invocationId = `invocation-${(count += 1)}`;
  const data = given.http === undefined ? { json: JSON.stringify(given.json) } : { http: given.http };
  const invocation = model.getInvocationModel({
    invocationId,
    metadata: found.metadata,
    request: { invocationId, inputData: [{ name: triggerName, data }], triggerMetadata: {} },
    log: (level, category, message) => console.log(`${category} ${level}: ${message}`),
    state: undefined,
  });
  try {
    const { context, inputs } = await invocation.getArguments();
    const result = await invocation.invokeFunction(context, inputs, found.callback);
    const response = await invocation.getResponse(context, result);
    const answer = response.returnValue?.http;
    if (answer === undefined) return { ok: true };
    return {
      ok: true,
      http: {
        status: Number(answer.statusCode),
        headers: answer.headers,
        body: Buffer.from(answer.body?.bytes ?? '').toString(),
      },
    };
  } catch (error) {
    // As the worker reports it: name, message and stack, to logs that many read.
    console.log(`error: ${error.stack}`);
    return { ok: false, name: error.name, message: error.message, cause: error.cause === undefined ? null : String(error.cause) };
  }
}

http.createServer((request, response) => void answer(request, response)).listen(Number(port), '127.0.0.1');

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const name = request.url.slice(1);
  const body =
    request.method === 'GET'
      ? { functions: [...functions.values()].map(({ metadata }) => metadata) }
      : await run(name, JSON.parse(Buffer.concat(chunks).toString()));
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
