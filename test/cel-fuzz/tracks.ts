import fc from 'fast-check'
import type { Engine } from './engine.js'
import type { FuzzCase, Judged, TrackName } from './fuzz-case.js'
import { hostileInputs, rightInputs, unknownPatterns } from './inputs.js'
import { judgeChecker, judgeEvaluator } from './judge-program.js'
import { judgeFormatter, judgeLexer, judgeParser } from './judge-source.js'
import { readerSources, typedSources } from './sources.js'

/** One kind of input: where it comes from and how it is judged. */
export interface Track {
  readonly name: TrackName
  readonly cases: fc.Arbitrary<FuzzCase>
  judge(one: FuzzCase, engine: Engine): Judged
}

const onlySource = (source: string): FuzzCase => ({ source, inputs: {}, unknowns: [], completions: [], budget: 0 })

export function createTracks(corpus: readonly string[]): readonly Track[] {
  const read = readerSources(corpus).map(onlySource)
  const typed = typedSources(corpus)
  return [
    { name: 'lexer', cases: read, judge: ({ source }, engine) => judgeLexer(source, engine) },
    { name: 'parser', cases: read, judge: ({ source }, engine) => judgeParser(source, engine) },
    { name: 'formatter', cases: read, judge: ({ source }, engine) => judgeFormatter(source, engine) },
    { name: 'checker', cases: typed.map(onlySource), judge: ({ source }, engine) => judgeChecker(source, engine) },
    {
      name: 'evaluator',
      cases: fc.record({
        source: typed,
        inputs: hostileInputs,
        unknowns: unknownPatterns,
        completions: fc.array(rightInputs, { minLength: 1, maxLength: 3 }),
        budget: fc.nat({ max: 500 }),
      }),
      judge: judgeEvaluator,
    },
  ]
}
