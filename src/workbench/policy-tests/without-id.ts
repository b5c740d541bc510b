import type { Decision } from '../../decision/decision.js'

/** In the place of the id of a decision, which is another one each time. */
const anyId = '00000000-0000-4000-8000-000000000000'

/** A text that is the same in each run. */
export function withoutId(text: string, { id }: Pick<Decision, 'id'>): string {
  return text.replaceAll(id, anyId)
}
