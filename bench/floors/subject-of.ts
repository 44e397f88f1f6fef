/** Who a token is about. Nothing is verified: these are floors. */
export function subjectOf(token: string): string {
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string };
  return sub;
}
