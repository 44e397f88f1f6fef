import { useEffect, useRef, type RefObject } from 'react';

/** What a component was rendered with last: for what is registered once, and called later. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
