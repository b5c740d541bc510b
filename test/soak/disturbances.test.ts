import { expect, it } from 'vitest'
import { Disturbances } from './disturbances.js'

it('a denial is excused by what was disturbed meanwhile, and by nothing else', async () => {
  const disturbances = new Disturbances()
  let end = () => {}
  const before = performance.now()
  const settled = new Promise<void>(resolve => {
    end = resolve
  })
  const done = disturbances.during('keys', () => settled)
  const within = performance.now()
  expect(disturbances.excuse('identity.signature', within, within)).toBe(true)
  expect(disturbances.excuse('identity.signature', before - 2, before - 1)).toBe(false)
  expect(disturbances.excuse('guardrail.violated', within, within)).toBe(false)
  expect(disturbances.excuse('internal.error', within, within)).toBe(false)
  end()
  await done
  const after = performance.now()
  expect(disturbances.excuse('dependency.keys', after + 1, after + 2)).toBe(false)
  expect(disturbances.excuse('identity.signature', within, after + 1)).toBe(true)
  expect(disturbances.told.keys.count).toBe(1)
})
