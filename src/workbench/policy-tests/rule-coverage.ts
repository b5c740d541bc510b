import type { Activation } from '../../cel/environment.js'
import type { Step } from '../../decision/trial.js'
import type { Location } from '../../documents/finding.js'
import type { PathSegment, SourceDocument } from '../../documents/source-document.js'
import { valueAt } from '../../documents/value-at.js'
import { DecisionBudgets } from '../../policy/decision-budget.js'
import { compileGuardrail, type Guardrail } from '../../policy/guardrail.js'
import {
  compileResultGuardrail,
  isAboutResults,
  type JudgedAnswer,
  type ResultGuardrail,
} from '../../policy/result-guardrail.js'
import type { CompiledRule } from '../../rbac/policy-rule.js'
import type { LoadedFrom, PolicySet } from './policy-set.js'
import { RbacCoverage } from './rbac-coverage.js'

/**
 * decided: some case came out as it did because of it (a Grant or an RBAC rule gave, a validation or a pattern objected, an
 * Enrichment added, a catalogue entry was used). asked: it took part and made no difference. untouched: no case met it.
 */
export type RuleState = 'decided' | 'asked' | 'untouched'

export interface CoveredRule {
  /** `Kind/name`, and which part of it. */
  readonly rule: string
  readonly location: Location
  readonly state: RuleState
}

export interface CoverageReport {
  readonly rules: readonly CoveredRule[]
  readonly decided: number
  /** Of the rules, how many in a hundred have decided; 100 where there are none. */
  readonly percent: number
}

/** Which rules of a set of policies the cases of a run met. */
export class RuleCoverage {
  readonly #units = new Map<string, { readonly location: Location; state: RuleState }>()
  readonly #guardrails = new Map<string, Parts<Guardrail>>()
  readonly #resultGuardrails = new Map<string, ResultParts>()
  readonly #rbac: RbacCoverage

  constructor({ documents, snapshot }: PolicySet) {
    const catalogs = new Set(snapshot.servers.all.flatMap(({ catalog }) => catalog?.name ?? []))
    this.#rbac = new RbacCoverage(
      documents.map(({ document }) => document),
      (rule, document, path) => this.#add(rule, document, path),
    )
    for (const one of documents) this.#addDocument(one, catalogs)
  }

  #addDocument({ document, shipped }: LoadedFrom, catalogs: ReadonlySet<string>): void {
    const name = `${document.kind}/${document.name}`
    switch (document.kind) {
      case 'Grant':
      case 'Enrichment':
        this.#add(name, document, [])
        break
      case 'Guardrail':
        if (isAboutResults(document)) this.#addResultGuardrail(document)
        else
          this.#guardrails.set(
            document.name,
            this.#partsOf(document, one => compileGuardrail(one).value),
          )
        break
      case 'ToolCatalog': {
        // What nobody wrote nobody has to test.
        if (shipped || !catalogs.has(document.name)) break
        for (const field of ['tools', 'prompts']) {
          const entries = valueAt(document.value, ['spec', field])
          for (const entry of keysOf(entries)) this.#add(`${name} ${field}.${entry}`, document, ['spec', field, entry])
        }
        break
      }
    }
  }

  #addResultGuardrail(document: SourceDocument): void {
    const parts = this.#partsOf(document, one => compileResultGuardrail(one).value)
    const whole = compileResultGuardrail(document).value
    const patterns = (whole?.patterns ?? []).map((pattern, index) => {
      const key = `Guardrail/${document.name} patterns[${index}]`
      this.#add(key, document, ['spec', 'patterns', index])
      return { key, pattern }
    })
    const size = `Guardrail/${document.name} maxBytes`
    if (whole?.maxBytes !== undefined) this.#add(size, document, ['spec', 'maxBytes'])
    this.#resultGuardrails.set(document.name, {
      ...parts,
      patterns,
      size: whole?.maxBytes === undefined ? undefined : { key: size, maxBytes: whole.maxBytes },
    })
  }

  /** One Guardrail per validation, all with the conditions of the whole, and one that objects wherever these hold. */
  #partsOf<Rule>(document: SourceDocument, compile: (document: SourceDocument) => Rule | undefined): Parts<Rule> {
    const validations = valueAt(document.value, ['spec', 'validations'])
    const rules = Array.isArray(validations) ? validations : []
    const probe = compile(withValidation(document, { expression: 'false' }))
    const parts = rules.flatMap((validation, index) => {
      const key = `Guardrail/${document.name} validations[${index}]`
      this.#add(key, document, ['spec', 'validations', index])
      const rule = compile(withValidation(document, validation))
      return rule === undefined ? [] : [{ key, rule }]
    })
    return { probe, parts }
  }

  #add(rule: string, document: SourceDocument, path: readonly PathSegment[]): void {
    this.#units.set(rule, { location: document.locate(path), state: 'untouched' })
  }

  #mark(rule: string, state: 'decided' | 'asked'): void {
    const unit = this.#units.get(rule)
    if (unit !== undefined && unit.state !== 'decided') unit.state = state
  }

  /** What one decision tells by itself. `policies`: `Kind/name` of those that took part. */
  noteDecision(steps: readonly Step[], policies: readonly string[]): void {
    for (const { rule, outcome } of steps) {
      if (!rule.startsWith('Grant/')) continue
      if (outcome === 'pass') this.#mark(rule, 'decided')
      if (outcome === 'fail') this.#mark(rule, 'asked')
    }
    for (const policy of policies) if (policy.startsWith('Enrichment/')) this.#mark(policy, 'decided')
  }

  noteCatalog(catalog: string, field: 'tools' | 'prompts', entry: string): void {
    this.#mark(`ToolCatalog/${catalog} ${field}.${entry}`, 'decided')
  }

  noteGuardrail(name: string, activation: Activation): void {
    const known = this.#guardrails.get(name)
    const judge = (rule: Guardrail) => rule.evaluate(activation, new DecisionBudgets().deciding)
    if (known?.probe === undefined || !isBroken(judge(known.probe))) return
    for (const { key, rule } of known.parts) {
      const judgement = judge(rule)
      if (judgement.unanswered.length === 0) this.#mark(key, judgement.violations.length > 0 ? 'decided' : 'asked')
    }
  }

  noteResultGuardrail(name: string, answer: JudgedAnswer): void {
    const known = this.#resultGuardrails.get(name)
    const judge = (rule: ResultGuardrail) => rule.judge({ ...answer, budget: new DecisionBudgets().deciding })
    if (known?.probe === undefined || !answer.hasResult || !isBroken(judge(known.probe))) return
    for (const { key, rule } of known.parts) this.#mark(key, judge(rule).violations.length > 0 ? 'decided' : 'asked')
    for (const { key } of known.patterns) this.#mark(key, 'asked')
    if (known.size !== undefined) this.#mark(known.size.key, 'asked')
  }

  /** What came back from a server, before anything was made of it. `texts`: all in it. */
  noteResult(guardrails: readonly string[], texts: readonly string[], bytes: number): void {
    for (const name of guardrails) {
      const known = this.#resultGuardrails.get(name)
      for (const { key, pattern } of known?.patterns ?? [])
        if (this.#units.get(key)?.state === 'asked' && texts.some(text => pattern.test(text)))
          this.#mark(key, 'decided')
      const size = known?.size
      if (size !== undefined && this.#units.get(size.key)?.state === 'asked' && bytes > size.maxBytes)
        this.#mark(size.key, 'decided')
    }
  }

  /** What an authorizer allowed, in its own words. */
  noteAccess(reason: string, allows: (rule: CompiledRule) => boolean): void {
    for (const rule of this.#rbac.allowedBy(reason, allows)) this.#mark(rule, 'decided')
  }

  /** In the order of places. */
  report(): CoverageReport {
    const rules = [...this.#units]
      .map(([rule, { location, state }]) => ({ rule, location, state }))
      .sort((a, b) => compare(a.location.file, b.location.file) || a.location.line - b.location.line)
    return { rules, ...share(rules) }
  }
}

/** How many rules decided, and of a hundred how many those are, rounded down. */
export function share(rules: readonly CoveredRule[]): { readonly decided: number; readonly percent: number } {
  const decided = rules.filter(({ state }) => state === 'decided').length
  return { decided, percent: rules.length === 0 ? 100 : Math.floor((decided * 1000) / rules.length) / 10 }
}

interface Parts<Rule> {
  readonly probe: Rule | undefined
  readonly parts: readonly { readonly key: string; readonly rule: Rule }[]
}

interface ResultParts extends Parts<ResultGuardrail> {
  readonly patterns: readonly { readonly key: string; readonly pattern: ResultGuardrail['patterns'][number] }[]
  readonly size: { readonly key: string; readonly maxBytes: number } | undefined
}

/** Its conditions hold: an error of one is a violation too, but of another kind. */
function isBroken({ violations }: { readonly violations: readonly { readonly reason: string }[] }): boolean {
  return violations.some(({ reason }) => reason === 'guardrail.violated')
}

function withValidation(document: SourceDocument, validation: unknown): SourceDocument {
  const spec = valueAt(document.value, ['spec'])
  const value = typeof document.value === 'object' ? document.value : {}
  const { patterns: _patterns, maxBytes: _maxBytes, ...rest } = { patterns: 0, maxBytes: 0, ...spread(spec) }
  return { ...document, value: { ...value, spec: { ...rest, validations: [validation] } } }
}

function spread(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {}
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
