/**
 * Puts the focus on the element that a keyboard goes on from when what had it goes away. The
 * page does not move: a mouse may be over the next of its kind.
 */
export function focusOn(id: string): void {
  document.querySelector<HTMLElement>(`#${id}`)?.focus({ preventScroll: true });
}
