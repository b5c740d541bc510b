import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packageRoot } from '../src/package-root.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sum-results-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function sum(tests: readonly { readonly status: string; readonly meta?: object }[]) {
  const count = (status: string) => tests.filter(one => one.status === status).length
  const report = {
    ...{ success: count('failed') === 0, numTodoTests: 0 },
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('skipped'),
    testResults: [
      { name: 'a.test.ts', assertionResults: tests.map((one, at) => ({ fullName: `test ${at}`, ...one })) },
    ],
  }
  writeFileSync(join(directory, 'tests.json'), JSON.stringify(report))
  const script = join(packageRoot, 'scripts', 'sum-results.mjs')
  const { status, stdout } = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n') }
}

describe('the sum of the results of a run', () => {
  it('counts tests', () => {
    expect(
      sum([
        { status: 'passed', meta: {} },
        { status: 'skipped', meta: {} },
      ]),
    ).toEqual({
      status: 0,
      lines: ['1 passed, 0 failed, 1 skipped'],
    })
    expect(sum([{ status: 'passed' }, { status: 'failed' }])).toEqual({
      status: 1,
      lines: ['failed: test 1', '1 passed, 1 failed, 0 skipped'],
    })
  })

  it('takes a test that its Envoy is too old for as failed', () => {
    const meta = { needsEnvoy: 'Envoy 1.40 (body_size_limit)' }
    expect(sum([{ status: 'passed' }, { status: 'skipped', meta }])).toEqual({
      status: 1,
      lines: ['skipped, needs Envoy 1.40 (body_size_limit): test 1', '1 passed, 1 failed, 0 skipped'],
    })
  })

  it('is a failure when nothing passed', () => {
    expect(sum([{ status: 'skipped' }])).toMatchObject({ status: 1 })
  })
})
