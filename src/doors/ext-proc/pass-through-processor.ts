import type { ExchangeProcessor } from './exchange-processor.js'

/** Changes nothing and asks for nothing. */
export const passThroughProcessor: ExchangeProcessor = {
  onResponseHeaders: () => ({ kind: 'pass' }),
}
