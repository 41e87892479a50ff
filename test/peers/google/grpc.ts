/** Serves one gRPC service of a vendor's own protos on a loopback port, in this process. */
import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

/** How a method answers: with a message, or by throwing `RpcError`. */
export type UnaryMethod = (request: Record<string, unknown>, method: string) => Promise<object> | object;

/** A status that the server answers with. `details` is what the vendor says. */
export class RpcError extends Error {
  readonly code: grpc.status;

  constructor(code: grpc.status, details: string) {
    super(details);
    this.code = code;
  }
}

export interface GrpcServer {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * `protos` is a module path of protobuf definitions in JSON (the vendors' packages carry `build/protos/protos.json`). A method without a
 * handler answers UNIMPLEMENTED. Fields arrive in camelCase, 64-bit integers as strings, enums as names.
 */
export async function serveGrpc(protos: string, service: string, methods: Record<string, UnaryMethod>): Promise<GrpcServer> {
  const json = createRequire(import.meta.url)(protos) as Parameters<typeof fromJSON>[0];
  const loaded = fromJSON(json, { keepCase: false, longs: String, enums: String, defaults: true, oneofs: true });
  const handlers: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(methods)) {
    handlers[name] = (call: grpc.ServerUnaryCall<Record<string, unknown>, object>, answer: grpc.sendUnaryData<object>) => {
      Promise.resolve()
        .then(() => method(call.request, name))
        .then(
          (message) => answer(null, message),
          (error: unknown) => {
            const code = error instanceof RpcError ? error.code : grpc.status.INTERNAL;
            answer({ code, details: error instanceof Error ? error.message : String(error) });
          },
        );
    };
  }
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(loaded[service] as ServiceDefinition, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    stop: async () => server.forceShutdown(),
  };
}
