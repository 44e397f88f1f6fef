import type { Done } from './serial-listener.ts';

interface Open {
  left: number;
  /** By one of them; nobody at all is as good. */
  isHandled: boolean;
  settle: Done;
}

/** Many listeners are at work on many events; an event counts as handled when all before it are, too. */
export class HandlingLog {
  readonly #open: Open[] = [];

  /**
   * @param listeners how many have to finish
   * @param settle is called when this event and all before it are done with; handled by any of them or not
   * @returns what each of the listeners calls when it has finished
   */
  add(listeners: number, settle: Done): Done {
    const entry: Open = { left: listeners, isHandled: listeners === 0, settle };
    this.#open.push(entry);
    this.advance();
    return (isHandled) => {
      entry.left -= 1;
      entry.isHandled ||= isHandled;
      this.advance();
    };
  }

  private advance(): void {
    while (this.#open[0]?.left === 0) {
      const { settle, isHandled } = this.#open.shift()!;
      settle(isHandled);
    }
  }
}
