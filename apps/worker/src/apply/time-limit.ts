/**
 * Aborts with a `TimeoutError` after so long, in milliseconds, unless what it returns is called before.
 *
 * `AbortSignal.timeout` can't be called off: for seconds after the work is done, it keeps what
 * listened to it, which is then dear to collect.
 */
export function abortAfter(controller: AbortController, milliseconds: number): () => void {
  const timer = setTimeout(() => {
    controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  }, milliseconds);
  return () => clearTimeout(timer);
}
