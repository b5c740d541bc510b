import { describe, expect, it } from 'vitest'
import { createLogging, type LogFields } from './logger.js'

function capture(level: Parameters<typeof createLogging>[0] = 'info') {
  const lines: Record<string, unknown>[] = []
  const logging = createLogging(level, { write: line => lines.push(JSON.parse(line)) })
  return { log: logging.subsystem('policy'), lines }
}

describe('createLogging', () => {
  it('writes one object per line', () => {
    const { log, lines } = capture()
    log.warn('a document does not compile', { policy: 'Guardrail/cap', file: 'a.yaml', line: 3 })
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        subsystem: 'policy',
        message: 'a document does not compile',
        policy: 'Guardrail/cap',
        file: 'a.yaml',
        line: 3,
      },
    ])
  })

  it('has levels', () => {
    const { log, lines } = capture('warn')
    log.debug('a')
    log.info('b')
    log.error('c')
    expect(lines.map(line => line.message)).toEqual(['c'])
    const quiet = capture('silent')
    quiet.log.error('x')
    expect(quiet.lines).toEqual([])
  })

  it('writes no member that is not in the set, whatever it is given', () => {
    const { log, lines } = capture()
    const wide = { reason: 'x', authorization: 'Bearer eyJ', args: { a: 1 } }
    const fields: LogFields = wide
    log.info('m', fields)
    expect(Object.keys(lines[0] ?? {}).sort()).toEqual(['level', 'message', 'reason', 'subsystem', 'time'])
  })

  it('writes of an error what is no data', () => {
    const { log, lines } = capture()
    log.error('m', { error: new Error('Bearer eyJ') })
    expect(JSON.stringify(lines)).not.toContain('eyJ')
    expect(lines[0]?.error).toMatchObject({ type: 'Error' })
  })

  it('cuts long text', () => {
    const { log, lines } = capture()
    log.info('m'.repeat(5000), { address: 'a'.repeat(5000) })
    expect(JSON.stringify(lines).length).toBeLessThan(3000)
  })
})
