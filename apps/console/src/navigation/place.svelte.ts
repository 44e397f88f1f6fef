/** Where one is on the page; it stands in the address, so that the browser goes back and forth. */
export type Place = { page: 'messages' | 'system' } | { page: 'rooms'; roomId: string | null };

export function hrefOf(place: Place): string {
  if (place.page !== 'rooms') return `#/${place.page}`;
  return place.roomId === null ? '#/rooms' : `#/rooms/${place.roomId}`;
}

export class Navigation {
  place: Place = $state.raw({ page: 'messages' });

  constructor() {
    this.read();
  }

  goTo(place: Place): void {
    location.hash = hrefOf(place);
  }

  /** Takes over what the address says; what it does not understand, such as `#new-message`, is no place. */
  read(): void {
    const [, page, roomId] = /^#\/(messages|rooms|system)(?:\/([\w-]+))?$/.exec(location.hash) ?? [];
    if (page === 'rooms') this.place = { page, roomId: roomId ?? null };
    else if (page === 'messages' || page === 'system') this.place = { page };
  }
}
