import { celEnv, parse, plan } from '@bufbuild/cel'
import { Environment } from '@marcbachmann/cel-js'
import { createCelEnvironment } from '../../src/cel/create-environment.js'
import type { CelJson } from '../../src/cel/environment.js'
import { parseStrictJson } from '../../src/protocol/strict-json.js'

export const celEngineNames = ['ours', '@bufbuild/cel', '@marcbachmann/cel-js'] as const
export type CelEngineName = (typeof celEngineNames)[number]

/** An engine at its best: rules are compiled once, inputs are what its own users hand to it. */
export interface CelEngine<Input> {
  readonly name: CelEngineName
  /** The variables of {@link callOf} from their JSON text, by the reader that goes with the engine. */
  read(text: string): Input
  compile(source: string): (input: Input) => unknown
}

export type OurInput = ReadonlyMap<string, CelJson>

const environment = createCelEnvironment({ request: 'map', jwt: 'map' })

/** Checked types, a budget, integers that are integers; variables are served one by one, as the pipeline does. */
export const ours: CelEngine<OurInput> = {
  name: 'ours',
  read: text => {
    const parsed = parseStrictJson(Buffer.from(text))
    if (!parsed.ok || !(parsed.value instanceof Map)) throw new Error('not the variables of a call')
    return parsed.value
  },
  compile: source => {
    const compiled = environment.compile(source, 'bool')
    if (!compiled.ok) throw new Error(`${source}: ${compiled.error.message}`)
    const { program } = compiled
    return input => {
      const evaluated = program.evaluate(name => input.get(name))
      return evaluated.ok ? evaluated.value : evaluated.error
    }
  },
}

type JsonRecord = Readonly<Record<string, string>>

/** Numbers of JSON are doubles in the two others; all rules of the comparison mean the same by them. */
function readRecord(text: string): JsonRecord {
  return JSON.parse(text)
}

const bufbuildEnvironment = celEnv()

export const bufbuild: CelEngine<JsonRecord> = {
  name: '@bufbuild/cel',
  read: readRecord,
  compile: source => {
    const planned = plan(bufbuildEnvironment, parse(source))
    return input => planned(input)
  },
}

const marcbachmannEnvironment = new Environment().registerVariable('request', 'map').registerVariable('jwt', 'map')

export const marcbachmann: CelEngine<JsonRecord> = {
  name: '@marcbachmann/cel-js',
  read: readRecord,
  compile: source => {
    const parsed = marcbachmannEnvironment.parse(source)
    return input => parsed(input)
  },
}
