import { expect, it } from 'vitest'
import { restartDelayMs } from './restart-delay.js'

it.each([
  [0, 100],
  [1, 200],
  [5, 3200],
  [8, 25_600],
  [9, 30_000],
  [1e6, 30_000],
])('after %d failures in a row it waits %d ms', (failures, ms) => expect(restartDelayMs(failures)).toBe(ms))
