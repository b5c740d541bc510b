import { didYouMean } from '../../documents/did-you-mean.js'
import type { Finding } from '../../documents/finding.js'
import { formatPath } from '../../documents/format-path.js'
import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { validate } from '../../documents/validate.js'
import type { Asker, NamedCall, PolicyTest, TestCase } from './policy-test.js'
import {
  type Expectation,
  type ExpectedSpec,
  type PolicyTestSpec,
  policyTestLimits,
  policyTestSchema,
} from './policy-test-schema.js'

/** When tests take place that do not say when: a Thursday, at noon. */
export const defaultNow = '2026-01-15T12:00:00Z'
/** Who sends no token at all; a test may give the name to somebody else. */
export const nobody = 'nobody'

export interface ReadPolicyTest {
  /** undefined with at least one error among the findings. */
  readonly value: PolicyTest | undefined
  readonly findings: readonly Finding[]
}

/** Reads one document of tests. What can be said of it without the policies is said: names that nothing has, with what was meant. */
export function readPolicyTest(document: SourceDocument): ReadPolicyTest {
  if (document.kind !== 'PolicyTest') return { value: undefined, findings: [misplaced(document)] }
  const parsed = validate(document, policyTestSchema)
  if (!parsed.ok) return { value: undefined, findings: parsed.findings }
  const reader = new Reader(document, parsed.value.spec)
  const cases = reader.cases()
  if (reader.findings.length > 0) return { value: undefined, findings: reader.findings }
  return {
    value: {
      name: document.name,
      file: document.file,
      policies: parsed.value.spec.policies,
      mode: parsed.value.spec.mode,
      cases,
      finding: (path, message, hint) => document.finding('error', path, message, hint === undefined ? {} : { hint }),
    },
    findings: [],
  }
}

function misplaced(document: SourceDocument): Finding {
  const message = `a file of tests holds nothing but PolicyTests, and this is a ${document.kind}`
  return document.finding('error', ['kind'], message, {
    hint: 'keep policies in files whose names do not end in _test.yaml',
  })
}

class Reader {
  readonly findings: Finding[] = []
  readonly #document: SourceDocument
  readonly #spec: PolicyTestSpec
  readonly #askers = new Map<string, Asker>([[nobody, { kind: 'nobody', name: nobody }]])
  readonly #calls: ReadonlyMap<string, NamedCall>
  readonly #now: number
  #room: number = policyTestLimits.cases

  constructor(document: SourceDocument, spec: PolicyTestSpec) {
    this.#document = document
    this.#spec = spec
    const { principals = {}, tokens = {}, calls } = spec
    for (const [name, one] of Object.entries(principals)) this.#askers.set(name, { kind: 'principal', name, spec: one })
    for (const [name, one] of Object.entries(tokens)) {
      if (this.#askers.get(name)?.kind === 'principal')
        this.#report(['spec', 'tokens', name], `there is a principal "${name}" too`, 'give one of them another name')
      this.#askers.set(name, { kind: 'token', name, spec: one })
    }
    this.#calls = new Map(Object.entries(calls).map(([name, one]) => [name, { name, spec: one }]))
    this.#now = Date.parse(spec.now ?? defaultNow)
    const { principals: most, calls: mostCalls } = policyTestLimits
    if (this.#askers.size > most) this.#report(['spec', 'principals'], `more than ${most} principals`)
    if (this.#calls.size > mostCalls) this.#report(['spec', 'calls'], `more than ${mostCalls} calls`)
  }

  cases(): readonly TestCase[] {
    const { tests, matrix } = this.#spec
    if (tests === undefined && matrix === undefined) this.#report(['spec'], 'tests nothing', 'write tests, or a matrix')
    const found = [...this.#ofTests(), ...this.#ofMatrix()]
    const names = new Set<string>()
    for (const { name, location } of found) {
      if (names.has(name))
        this.findings.push({
          ...this.#document.finding('error', ['spec', 'tests'], `there are two tests "${name}"`),
          location,
        })
      names.add(name)
    }
    return found
  }

  #ofTests(): readonly TestCase[] {
    return (this.#spec.tests ?? []).flatMap((test, index) => {
      const path = ['spec', 'tests', index]
      const askers = this.#namesOf(path, test, 'principal', 'principals') ?? [{ name: nobody, path }]
      const calls = this.#namesOf(path, test, 'call', 'calls')
      if (calls === undefined) {
        this.#report(path, 'says of no call what should come of it', 'write call: with the name of one of spec.calls')
        return []
      }
      const now = test.now === undefined ? this.#now : Date.parse(test.now)
      const many = askers.length * calls.length > 1
      if (!this.#hasRoom(askers.length * calls.length)) return []
      return askers.flatMap(who =>
        calls.flatMap(what => {
          const asker = this.#find(this.#askers, who, 'principal or token')
          const call = this.#find(this.#calls, what, 'call')
          if (asker === undefined || call === undefined) return []
          const expectation = this.#expectation([...path, 'expect'], test.expect, call)
          const name = many ? `${test.name}: ${who.name} ${what.name}` : test.name
          return [{ name, asker, call, expectation, now, location: this.#document.locate(path) }]
        }),
      )
    })
  }

  /** Of every principal every call: what the table does not list is denied. */
  #ofMatrix(): readonly TestCase[] {
    const { matrix } = this.#spec
    if (matrix === undefined) return []
    for (const [who, row] of Object.entries(matrix)) {
      const path = ['spec', 'matrix', who]
      this.#find(this.#askers, { name: who, path }, 'principal or token', 'key')
      for (const what of Object.keys(row)) this.#find(this.#calls, { name: what, path: [...path, what] }, 'call', 'key')
    }
    const rows = [...this.#askers.values()].filter(({ kind, name }) => kind !== 'nobody' || Object.hasOwn(matrix, name))
    if (!this.#hasRoom(rows.length * this.#calls.size)) return []
    return rows.flatMap(asker => {
      const row = Object.hasOwn(matrix, asker.name) ? (matrix[asker.name] ?? {}) : {}
      return [...this.#calls.values()].map(call => {
        const path = ['spec', 'matrix', asker.name, call.name]
        const expected = Object.hasOwn(row, call.name) ? row[call.name] : undefined
        const expectation = this.#expectation(path, expected, call)
        const location = this.#document.locate(path)
        return { name: `${asker.name} ${call.name}`, asker, call, expectation, now: this.#now, location }
      })
    })
  }

  /** Asked before cases are made: few lines can mean millions. */
  #hasRoom(cases: number): boolean {
    this.#room -= cases
    if (this.#room < 0) this.#report(['spec'], `more than ${policyTestLimits.cases} cases`, 'write several documents')
    return this.#room >= 0
  }

  #expectation(path: readonly PathSegment[], expected: ExpectedSpec | undefined, call: NamedCall): Expectation {
    const settled = this.#settle(path, expected, call)
    this.#checkFit(path, call, settled)
    return settled
  }

  #settle(path: readonly PathSegment[], expected: ExpectedSpec | undefined, { spec }: NamedCall): Expectation {
    if (expected === undefined || typeof expected === 'string') return { decision: expected ?? 'deny' }
    const { decision, visible, ...rest } = expected
    const report = (field: string, message: string, hint?: string) => this.#report([...path, field], message, hint)
    if (Object.keys(rest).length === 0 && decision === undefined) {
      if (visible === undefined) report('decision', 'an expectation that expects nothing', 'write allow, or deny')
      // What is listed may be allowed; what is not is certain to be denied. Nothing can call a template.
      return { ...expected, decision: visible === false && spec.resourceTemplate === undefined ? 'deny' : undefined }
    }
    if (decision === 'allow') {
      for (const field of ['reason', 'policy', 'policyReason', 'message', 'hints', 'status'] as const)
        if (expected[field] !== undefined) report(field, 'goes with a denial, and an allow is expected here')
    } else {
      for (const field of ['result', 'warnings'] as const)
        if (expected[field] !== undefined)
          report(
            field,
            'there is none without an allow, and a denial is expected here',
            'write decision: allow beside it',
          )
    }
    return { ...expected, decision: decision ?? 'deny' }
  }

  /** What is expected of a call that has none of it. */
  #checkFit(path: readonly PathSegment[], { name, spec }: NamedCall, { decision, visible, result }: Expectation): void {
    const { resourceTemplate, method, body } = spec
    if (resourceTemplate !== undefined && decision !== undefined) {
      const hint =
        'expect { visible: true } or { visible: false } of it, and test its resources with calls of their own'
      this.#report(path, `nothing can call a template, so that nothing allows or denies "${name}"`, hint)
    }
    if (visible !== undefined && (method !== undefined || body !== undefined))
      this.#report(
        path,
        `no list has "${name}"`,
        'visible goes with calls of a tool, prompt, resource or resourceTemplate',
      )
    if (result !== undefined && spec.result === undefined)
      this.#report(path, `the call "${name}" has no result`, `say in spec.calls.${name}.result what the server answers`)
    if (result !== undefined && body !== undefined)
      this.#report(
        path,
        `the result of "${name}" cannot be judged`,
        'write its tool, prompt, resource or method in place of body',
      )
  }

  #namesOf(
    path: readonly PathSegment[],
    test: NonNullable<PolicyTestSpec['tests']>[number],
    one: 'principal' | 'call',
    many: 'principals' | 'calls',
  ): readonly Named[] | undefined {
    const field = test[one] === undefined ? many : one
    if (test[one] !== undefined && test[many] !== undefined) this.#report([...path, many], `write ${one} or ${many}`)
    const given = test[field]
    if (given === undefined) return undefined
    return typeof given === 'string'
      ? [{ name: given, path: [...path, field] }]
      : given.map((name, index) => ({ name, path: [...path, field, index] }))
  }

  #find<T>(
    among: ReadonlyMap<string, T>,
    { name, path }: Named,
    what: string,
    at: 'key' | 'value' = 'value',
  ): T | undefined {
    const found = among.get(name)
    if (found !== undefined) return found
    const near = didYouMean(name, among.keys())
    const hint =
      near === undefined ? `there are: ${[...among.keys()].slice(0, 20).join(', ')}` : `did you mean "${near}"?`
    if (this.findings.length < maxFindings)
      this.findings.push(this.#document.finding('error', path, `there is no ${what} "${name}"`, { hint, at }))
    return undefined
  }

  /** The same expectation may be that of many cases. */
  #report(path: readonly PathSegment[], message: string, hint?: string): void {
    const at = formatPath(path)
    if (this.findings.some(one => one.path === at && one.message === message) || this.findings.length >= maxFindings)
      return
    this.findings.push(this.#document.finding('error', path, message, hint === undefined ? {} : { hint }))
  }
}

/** Of one document; what follows is mostly more of the same. */
const maxFindings = 50

interface Named {
  readonly name: string
  readonly path: readonly PathSegment[]
}
