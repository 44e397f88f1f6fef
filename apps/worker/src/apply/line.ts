/** A place that is waited for. */
interface Waiting {
  size: number;
  answer: (isAdmitted: boolean) => void;
  timer?: NodeJS.Timeout;
}

/** Does things in the order of their coming, as many at once as there is room for. */
export class Line {
  readonly #waiting: Waiting[] = [];
  #free: number;

  /**
   * @param room how much may be under way at once
   * @param most how many may wait
   * @param patienceMs how long one waits, in milliseconds
   */
  constructor(
    room = 1,
    private readonly most = Infinity,
    private readonly patienceMs?: number,
  ) {
    this.#free = room;
  }

  /**
   * @param size the room that it takes; what takes all of it is alone
   * @returns what the work gives; undefined when its turn did not come
   */
  async run<Result>(work: () => Promise<Result>, size = 1): Promise<Result | undefined> {
    if (!(await this.enter(size))) return undefined;
    try {
      return await work();
    } finally {
      this.#free += size;
      this.admit();
    }
  }

  /** @returns whether it may start: its room is taken then */
  private enter(size: number): Promise<boolean> | boolean {
    if (this.#waiting.length === 0 && size <= this.#free) {
      this.#free -= size;
      return true;
    }
    if (this.#waiting.length >= this.most) return false;
    return new Promise((answer) => {
      const waiting: Waiting = { size, answer };
      this.#waiting.push(waiting);
      if (this.patienceMs !== undefined) waiting.timer = setTimeout(() => this.dismiss(waiting), this.patienceMs);
    });
  }

  private dismiss(waiting: Waiting): void {
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    waiting.answer(false);
    // A smaller one behind it may fit.
    this.admit();
  }

  private admit(): void {
    for (let first = this.#waiting[0]; first && first.size <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.size;
      clearTimeout(first.timer);
      first.answer(true);
    }
  }
}
