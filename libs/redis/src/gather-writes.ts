import { Cluster, type Redis } from 'ioredis';

/**
 * Sends what is asked of a connection in one moment in one write, which costs more than the
 * command in it; in a cluster, in one for each node.
 *
 * In place of the pipelines of ioredis: each of them has a property of its own (`length`, an
 * accessor), so V8 makes a hidden class for it, which keeps it and all that it refers to alive
 * until the next full collection.
 */
export function gatherWrites(connection: Redis | Cluster): void {
  if (connection instanceof Cluster) connection.on('+node', gatherWritesOfNode);
  else gatherWritesOfNode(connection);
}

function gatherWritesOfNode(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  let gathers = false;
  redis.sendCommand = (command, stream) => {
    const socket = redis.stream;
    if (!gathers && socket) {
      gathers = true;
      socket.cork();
      process.nextTick(() => {
        gathers = false;
        socket.uncork();
      });
    }
    return send(command, stream);
  };
}
