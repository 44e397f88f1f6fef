/**
 * The places in the pipeline at which a process may die, or a test may hold it, to prove
 * that nothing is lost there. In production there are none.
 */
export const CHECKPOINTS = [
  'accept.before-commit',
  'accept.after-commit',
  'accept.after-enqueue',
  'apply.before-lock',
  'apply.before-commit',
  'apply.after-commit',
  'apply.after-publish',
  'perform.before-start',
  'perform.after-end',
] as const;
export type Checkpoint = (typeof CHECKPOINTS)[number];

type Hook = () => void | Promise<void>;

const hooks = new Map<Checkpoint, Hook>();

/** Called where the name says; does nothing unless something waits there. */
export function checkpoint(name: Checkpoint): void | Promise<void> {
  if (hooks.size > 0) return hooks.get(name)?.();
}

/** Whether something waits there. */
export function isArmed(name: Checkpoint): boolean {
  return hooks.has(name);
}

/**
 * Has something happen at a checkpoint of this process.
 *
 * @returns undoes it
 */
export function onCheckpoint(name: Checkpoint, hook: Hook): () => void {
  hooks.set(name, hook);
  return () => hooks.delete(name);
}

/**
 * Makes this process die (SIGKILL, so without any farewell) at a checkpoint.
 *
 * @param where its name, or `<name>:<n>` for the n-th time that it is reached
 */
export function dieAtCheckpoint(where: string): void {
  const [name = '', times = '1'] = where.split(':');
  let left = Number(times);
  onCheckpoint(name as Checkpoint, () => {
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  });
}
