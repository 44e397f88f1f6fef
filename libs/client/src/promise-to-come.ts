/** A promise that is settled from outside. Who does not wait for it need not hear that it was rejected. */
export function promiseToCome<Value>(): PromiseWithResolvers<Value> {
  const made = Promise.withResolvers<Value>();
  made.promise.catch(() => undefined);
  return made;
}
