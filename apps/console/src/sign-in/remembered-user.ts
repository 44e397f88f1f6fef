const KEY = 'tidings.user';

/** The demo user of this tab, over reloads. A name only: tokens are never kept. */
export const rememberedUser = {
  read: (): string | null => sessionStorage.getItem(KEY),
  write: (userId: string): void => sessionStorage.setItem(KEY, userId),
  forget: (): void => sessionStorage.removeItem(KEY),
};
