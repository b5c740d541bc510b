import { bufbuild, type CelEngine, marcbachmann, ours } from './cel-engines.js'
import { type CelRule, type CelRuleKind, callOf, celRules } from './cel-rules.js'
import { median } from './statistics.js'

/** Evaluation of several rules, beside the two other engines. */
export interface CelCost {
  /** A kind of rule, or `all` thirty, each evaluated on its own. */
  readonly rules: CelRuleKind | 'all'
  readonly count: number
  /** Whether each evaluation of the rules gets a call that nobody has seen, or all get the same. */
  readonly input: 'fresh' | 'same'
  /** Microseconds for one evaluation of all of these rules; medians of the rounds. */
  readonly ours: number
  /** The time of the others by ours, median of the rounds: above one, ours is quicker. */
  readonly bufbuild: number
  readonly marcbachmann: number
}

export interface CelCompileCost {
  /** Microseconds to compile one rule, on average over the thirty. */
  readonly ours: number
  /** The same in the first pass, before the compiler of the machine has done its work. */
  readonly cold: number
  /** Microseconds that JSON.parse takes for a document of 10 KiB. */
  readonly jsonParse: number
  /** Ours by JSON.parse, median of the rounds. */
  readonly ratio: number
  readonly bufbuild: number
  readonly marcbachmann: number
}

export interface CelReport {
  readonly evaluate: readonly CelCost[]
  readonly compile: CelCompileCost
}

export interface CelCostOptions {
  readonly rounds: number
  /** About how long one engine is measured in one round, in milliseconds. */
  readonly roundMs: number
}

/**
 * What a rule costs to compile and to evaluate. All engines get the same rules and the same JSON, must find every rule
 * kept before anything is measured, and are measured in turns in one process, so that what disturbs the machine disturbs
 * all.
 */
export function measureCel(options: CelCostOptions): CelReport {
  const compile = measureCompile(options)
  const all = subject(celRules)
  const kinds = [...new Set(celRules.map(rule => rule.kind))]
  const parts = kinds.map(kind => subject(celRules.filter(rule => rule.kind === kind)))
  // Every engine has seen every kind of rule, as it has in a server, before anything counts.
  for (let pass = 0; pass < 3; pass++) {
    for (const one of [...parts, all]) measureEvaluate(one, 'fresh', { rounds: 2, roundMs: 25 })
  }
  const measuredParts = parts.map(part => measureEvaluate(part, 'fresh', options))
  const measured = (['fresh', 'same'] as const).map(input => measureEvaluate(all, input, options))
  return { evaluate: [...measured, ...measuredParts], compile }
}

interface Runner {
  /** Reads calls, and gives what evaluates the rules on the next of them. */
  prepare(texts: readonly string[]): (call: number) => void
}

interface Subject {
  readonly rules: CelCost['rules']
  readonly count: number
  readonly runners: readonly [ours: Runner, bufbuild: Runner, marcbachmann: Runner]
}

function subject(rules: readonly CelRule[]): Subject {
  const sources = rules.map(rule => rule.source)
  const [first] = rules
  return {
    rules: rules.length === celRules.length || first === undefined ? 'all' : first.kind,
    count: rules.length,
    runners: [runner(ours, sources), runner(bufbuild, sources), runner(marcbachmann, sources)],
  }
}

function runner<Input>(engine: CelEngine<Input>, sources: readonly string[]): Runner {
  const programs = sources.map(source => engine.compile(source))
  const [call] = texts(1)
  for (const [i, program] of programs.entries()) {
    const answer = program(engine.read(call ?? ''))
    if (answer !== true) throw new Error(`${engine.name}: ${sources[i]} gives ${String(answer)}`)
  }
  return {
    prepare: calls => {
      const inputs = calls.map(text => engine.read(text))
      return at => {
        const input = inputs[at]
        if (input === undefined) throw new Error('no such call')
        for (const program of programs) program(input)
      }
    },
  }
}

/** Few calls at a time, so that they are as young as a request is when it is judged. */
const batch = 16

function texts(count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify(callOf(i)))
}

function measureEvaluate(
  { rules, count, runners }: Subject,
  input: CelCost['input'],
  { rounds, roundMs }: CelCostOptions,
): CelCost {
  const calls = input === 'fresh' ? texts(batch) : texts(1)
  const samples: (readonly [number, number, number])[] = []
  for (let round = 0; round < rounds; round++) {
    const [our, buf, marc] = runners
    const time = (one: Runner) => (input === 'fresh' ? timeFresh(one, calls, roundMs) : timeSame(one, calls, roundMs))
    samples.push([time(our), time(buf), time(marc)])
  }
  return {
    rules,
    count,
    input,
    ours: median(samples.map(([our]) => our)),
    bufbuild: median(samples.map(([our, buf]) => buf / our)),
    marcbachmann: median(samples.map(([our, , marc]) => marc / our)),
  }
}

/** Microseconds per evaluation, where reading the calls does not count. */
function timeFresh(one: Runner, calls: readonly string[], ms: number): number {
  return timeBatches(ms, () => {
    const judge = one.prepare(calls)
    return () => {
      for (let at = 0; at < calls.length; at++) judge(at)
    }
  })
}

function timeSame(one: Runner, calls: readonly string[], ms: number): number {
  const judge = one.prepare(calls)
  return timeBatches(ms, () => () => {
    for (let i = 0; i < batch; i++) judge(0)
  })
}

function timeBatches(ms: number, prepare: () => () => void): number {
  const end = performance.now() + ms
  const times: number[] = []
  do {
    const run = prepare()
    const before = cpuMicros()
    run()
    times.push((cpuMicros() - before) / batch)
  } while (performance.now() < end)
  return median(times)
}

/** Processor time of this process: what others do on the machine does not count. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Passes over all rules until nothing is new to the compiler of the machine. */
const warmUpPasses = 400

function measureCompile({ rounds }: CelCostOptions): CelCompileCost {
  const document = documentOf(10 * 1024)
  const parseOften = () => {
    for (let i = 0; i < celRules.length; i++) JSON.parse(document)
  }
  const compileAll = (engine: { compile(source: string): unknown }) => () => {
    for (const { source } of celRules) engine.compile(source)
  }
  const sides = [compileAll(ours), parseOften, compileAll(bufbuild), compileAll(marcbachmann)] as const
  const cold = perRule(sides[0])
  for (let pass = 0; pass < warmUpPasses; pass++) sides[0]()
  for (let pass = 0; pass < 10; pass++) for (const side of sides) side()
  const samples: (readonly number[])[] = []
  for (let round = 0; round < rounds; round++) samples.push(sides.map(perRule))
  const middle = (side: number) => median(samples.map(sample => sample[side] ?? Number.NaN))
  return {
    ours: middle(0),
    cold,
    jsonParse: middle(1),
    ratio: median(samples.map(([our = Number.NaN, json = Number.NaN]) => our / json)),
    bufbuild: middle(2),
    marcbachmann: middle(3),
  }
}

function perRule(run: () => void): number {
  const before = cpuMicros()
  run()
  return (cpuMicros() - before) / celRules.length
}

/** An ordinary JSON document of about so many bytes. */
function documentOf(bytes: number): string {
  const items: unknown[] = []
  let length = 0
  for (let at = 0; length < bytes - 200; at++) {
    const item = {
      name: `item-${at}`,
      labels: { app: 'web', tier: 'backend', 'app.kubernetes.io/part-of': 'shop' },
      replicas: at % 7,
      weight: at / 8,
      enabled: at % 2 === 0,
      note: 'A sentence of ordinary length, as people write them into a form.',
      ports: [{ containerPort: 8080, protocol: 'TCP' }, null],
    }
    items.push(item)
    length += JSON.stringify(item).length + 1
  }
  return JSON.stringify({ items })
}
