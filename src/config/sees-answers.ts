import type { Config } from './config.js'

/** Whether a listener adds texts to what servers answer. */
export function seesAnswers({ listeners }: Pick<Config, 'listeners'>): boolean {
  return listeners.some(({ door }) => door === 'ext-proc')
}
