import { createCelEnvironment } from './create-environment.js'
import type { CelJson, CelOutput, CelProgram } from './environment.js'

/** Variables of all types; `tenant` has no value. */
export const environment = createCelEnvironment({
  args: 'map',
  user: 'map',
  replicas: 'list',
  images: 'list',
  request: 'map',
  tenant: 'string',
  count: 'int',
  anything: 'dyn',
  missing: 'list',
})

const values = new Map<string, CelJson>([
  [
    'args',
    new Map<string, CelJson>([
      ['replicas', 3n],
      ['ratio', 0.5],
      ['name', 'web-1'],
      ['nothing', null],
      ['__proto__', 'own'],
      ['nested', new Map([['list', [1n, 2n, 3n]]])],
    ]),
  ],
  [
    'user',
    new Map<string, CelJson>([
      ['username', 'alice'],
      ['groups', ['dev', 'admins']],
    ]),
  ],
  ['replicas', [2n, 5n, 3n]],
  ['images', ['registry.example.com/a:1', 'registry.example.com/b@sha256:00']],
  ['request', new Map<string, CelJson>([['time', new Date('2026-03-29T01:30:00.500Z')]])],
  ['count', 7n],
  ['anything', null],
])
export const activation = (name: string) => values.get(name)

/** The value, or the error. */
export function evaluate(source: string): CelOutput | { error: string } {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
  const result = compiled.program.evaluate(activation)
  return result.ok ? result.value : { error: result.error }
}

/** `line:column message | hint`, or `compiles`. */
export function compileError(source: string, result?: 'bool' | 'string'): string {
  const compiled = environment.compile(source, result)
  if (compiled.ok) return 'compiles'
  const { line, column, message, hint } = compiled.error
  return `${line}:${column} ${message}${hint === undefined ? '' : ` | ${hint}`}`
}

/** The program of an expression that is right. */
export function programOf(source: string): CelProgram {
  const compiled = environment.compile(source)
  if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
  return compiled.program
}
