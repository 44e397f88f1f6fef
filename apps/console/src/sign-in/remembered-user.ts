const KEY = 'tidings.user';

/**
 * The demo user of this tab, over reloads. A name only: tokens are never kept. Where the browser
 * keeps nothing, nobody is remembered.
 */
export const rememberedUser = {
  read: (): string | null => ifAllowed(() => sessionStorage.getItem(KEY)) ?? null,
  write: (userId: string): void => ifAllowed(() => sessionStorage.setItem(KEY, userId)),
  forget: (): void => ifAllowed(() => sessionStorage.removeItem(KEY)),
};

function ifAllowed<Result>(use: () => Result): Result | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
