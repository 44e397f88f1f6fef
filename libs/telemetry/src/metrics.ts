import { Counter, Gauge, Histogram } from 'prom-client';

/** Upper bounds in seconds: from a hop within a machine to what nobody waits for any more. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How long something takes, in seconds. Without labels, so that observing costs next to nothing. */
export function durations(name: string, help: string): Histogram {
  return new Histogram({ name: `tidings_${name}_seconds`, help, buckets: BUCKETS });
}

export function counter(name: string, help: string): Counter {
  return new Counter({ name: `tidings_${name}_total`, help });
}

/** A counter for each value of one label, all of which are known: each is there, as 0, from the start. */
export function counters<Value extends string>(
  name: string,
  help: string,
  label: string,
  values: readonly Value[],
): Record<Value, Counter.Internal> {
  const all = new Counter({ name: `tidings_${name}_total`, help, labelNames: [label] });
  // What begins with its first increment has none for `rate()`.
  for (const value of values) all.inc({ [label]: value }, 0);
  return Object.fromEntries(values.map((value) => [value, all.labels(value)])) as Record<Value, Counter.Internal>;
}

/** A counter that somebody else keeps: it is read when it is asked for. */
export function counterOf(name: string, help: string, read: () => number): Counter {
  return new Counter({
    name: `tidings_${name}_total`,
    help,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

/** What is measured when it is asked for; absent while that is not known. */
export function gaugeOf(name: string, help: string, read: () => number | Promise<number | undefined>): Gauge {
  return new Gauge({
    name: `tidings_${name}`,
    help,
    async collect() {
      const value = await read();
      if (value === undefined) this.remove();
      else this.set(value);
    },
  });
}

/** The same with one label; absent as a whole while that is not known. */
export function gaugesOf<Value extends string>(
  name: string,
  help: string,
  label: string,
  read: () => Promise<Record<Value, number> | undefined>,
): Gauge {
  return new Gauge({
    name: `tidings_${name}`,
    help,
    labelNames: [label],
    async collect() {
      this.reset();
      for (const [value, size] of Object.entries<number>((await read()) ?? {})) this.set({ [label]: value }, size);
    },
  });
}
