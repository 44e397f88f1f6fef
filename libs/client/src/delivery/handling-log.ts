interface Open {
  left: number;
  settle: () => void;
}

/** Many listeners are at work on many events; an event counts as handled when all before it are, too. */
export class HandlingLog {
  readonly #open: Open[] = [];

  /**
   * @param listeners how many have to finish
   * @param settle is called when this event and all before it are handled
   * @returns what each of the listeners calls when it has finished
   */
  add(listeners: number, settle: () => void): () => void {
    const entry: Open = { left: listeners, settle };
    this.#open.push(entry);
    this.advance();
    return () => {
      entry.left -= 1;
      this.advance();
    };
  }

  private advance(): void {
    while (this.#open[0]?.left === 0) this.#open.shift()!.settle();
  }
}
