let isOver = false;

/** Whether this process was told to end: it takes nothing new from balancers, though it still serves. */
export function isDraining(): boolean {
  return isOver;
}

/** From now on it is not ready. */
export function startDraining(): void {
  isOver = true;
}
