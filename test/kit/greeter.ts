import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

/** A gRPC service with one call, `/greet.Greeter/Greet`, which greets the text it is given. */
export interface Greeter {
  readonly port: number;
  readonly calls: number;
  stop(): Promise<void>;
}

export async function startGreeter(name: string): Promise<Greeter> {
  let calls = 0;
  const greet: handleUnaryCall<string, string> = (call, reply) => {
    calls += 1;
    reply(null, `${name} greets ${call.request}`);
  };
  const server = new Server();
  server.addService({ greet: GREET }, { greet });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    get calls() {
      return calls;
    },
    stop() {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

const GREET = {
  path: '/greet.Greeter/Greet',
  requestStream: false as const,
  responseStream: false as const,
  requestSerialize: (text: string) => Buffer.from(text),
  requestDeserialize: String,
  responseSerialize: (text: string) => Buffer.from(text),
  responseDeserialize: String,
};
