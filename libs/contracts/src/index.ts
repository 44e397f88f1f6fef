export * from './action.ts';
export * from './channel.ts';
export * from './cursor.ts';
export * from './envelope.ts';
export * from './problem.ts';
export * from './room-events.ts';
export * from './socket-events.ts';
export * from './user-id.ts';
