// Stands in for the one native part of the runtime client, which needs a compiler: the three calls of the Lambda Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const http = require('node:http');
const Module = require('node:module');

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true });
/** The native client answers before it returns; here the next invocation is asked for only after the answer was taken. */
let posted = Promise.resolve();

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: `/2018-06-01/runtime${path}`, method, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ bodyJson: Buffer.concat(chunks).toString(), headers: response.headers }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const native = {
  async next() {
    await posted;
    const { bodyJson, headers } = await call('GET', '/invocation/next');
    return { bodyJson, headers: { ...headers, 'lambda-runtime-deadline-ms': Number(headers['lambda-runtime-deadline-ms']) } };
  },
  done(id, body) {
    posted = call('POST', `/invocation/${id}/response`, body, { 'content-type': 'application/json' });
    return null;
  },
  error(id, body) {
    posted = call('POST', `/invocation/${id}/error`, body, { 'content-type': 'application/json' });
    return null;
  },
};

// oxlint-disable no-underscore-dangle -- Node's own name for the loader's hook
const load = Module._load;
Module._load = function loadWithNative(request, ...rest) {
  return request.endsWith('rapid-client.node') ? native : load.call(this, request, ...rest);
};
