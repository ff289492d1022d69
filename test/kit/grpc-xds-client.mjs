import grpc from '@grpc/grpc-js';
import xds from '@grpc/grpc-js-xds';

/**
 * Calls a greeter that it finds by xDS, and prints what came of it as JSON: {"reply"} or {"code", "details"}. A process of its own,
 * because grpc-js-xds registers itself for the whole process and keeps its connections.
 *
 *     node grpc-xds-client.mjs <xDS port> <node id> <service> <name to greet>
 */
const [port, nodeId, service, name] = process.argv.slice(2);
process.env.GRPC_XDS_BOOTSTRAP_CONFIG = JSON.stringify({
  xds_servers: [
    { server_uri: `127.0.0.1:${port}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
  ],
  // Without a locality the client throws the whole bootstrap away and says something else.
  node: { id: nodeId, cluster: 'test', locality: { region: 'r', zone: 'z' } },
});
xds.register();

const text = (message) => Buffer.from(message);
const method = {
  path: '/greet.Greeter/Greet',
  requestStream: false,
  responseStream: false,
  requestSerialize: text,
  requestDeserialize: String,
  responseSerialize: text,
  responseDeserialize: String,
};
const Greeter = grpc.makeGenericClientConstructor({ greet: method }, 'Greeter');
const client = new Greeter(`xds:///${service}`, grpc.credentials.createInsecure());
client.greet(name, { deadline: Date.now() + 30_000 }, (error, reply) => {
  console.log(JSON.stringify(error ? { code: error.code, details: error.details } : { reply }));
  // The acknowledgement of the last response may still be on its way; the reader of the output ends this process.
});
