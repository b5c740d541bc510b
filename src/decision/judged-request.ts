/** What the decision about a request says to whoever sees the answer. */
export interface JudgedRequest {
  readonly decisionId: string
  /** undefined: several messages, or none. */
  readonly method: string | undefined
  /** Un-prefixed. */
  readonly tool: string | undefined
  /** A list was asked for from a cursor on. */
  readonly paged: boolean
  /** For the model, beside the result. */
  readonly texts: readonly string[]
}

/** From the metadata of a decision; undefined unless it was an allow. */
export function judgedRequestOf(metadata: ReadonlyMap<string, unknown> | undefined): JudgedRequest | undefined {
  if (metadata?.get('decision') !== 'allow') return undefined
  const texts = metadata.get('result_context')
  return {
    decisionId: textOf(metadata.get('decision_id')) ?? '',
    method: textOf(metadata.get('method')),
    tool: textOf(metadata.get('tool')),
    paged: metadata.get('cursor') === true,
    texts: Array.isArray(texts) ? texts.filter(text => typeof text === 'string') : [],
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
