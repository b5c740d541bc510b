/**
 * Milliseconds kept back of those that are left until the gateway's deadline. The door keeps a tenth of them, 5 to 50
 * (`waitMs`); this is clearly more, so that a decision of our own, with its reason and its record, is there before the
 * door gives up on it.
 */
export function answerMargin(left: number): number {
  return Math.min(80, Math.max(20, left / 10 + 15))
}
