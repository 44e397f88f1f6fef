/** Floor of the queue: jobs that do nothing. */
import { Worker } from 'bullmq';

const worker = new Worker('floor', () => Promise.resolve(), {
  connection: { url: process.env['REDIS_URL']! },
  concurrency: 50,
});
await worker.waitUntilReady();
console.log('ready');
