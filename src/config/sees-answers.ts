import type { Config } from './config.js'

/** Whether a listener adds texts to what servers answer. */
export function seesAnswers({ listeners }: Pick<Config, 'listeners'>): boolean {
  return listeners.some(({ door }) => door === 'ext-proc')
}

/** Whether a listener can keep Guardrails about results. */
export function guardsResults({ listeners }: Pick<Config, 'listeners'>): boolean {
  return listeners.some(({ door }) => door === 'ext-proc' || door === 'ext-mcp')
}
