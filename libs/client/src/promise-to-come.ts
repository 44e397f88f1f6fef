/** A promise that is settled from outside. Who does not wait for it need not hear that it was rejected. */
export function promiseToCome<Value>(): PromiseWithResolvers<Value> {
  const made = Promise.withResolvers<Value>();
  made.promise.catch(() => undefined);
  return made;
}

/** The same until the signal is aborted: then it rejects with the reason. */
export function unlessAborted<Value>(value: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (!signal) return value;
  const { promise, resolve, reject } = promiseToCome<Value>();
  const abort = (): void => reject(signal.reason);
  const end = (): void => signal.removeEventListener('abort', abort);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  value.then(resolve, reject).finally(end);
  return promise;
}
