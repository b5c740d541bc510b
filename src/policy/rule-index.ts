import { append } from '../documents/append.js'
import type { Principal } from '../identity/principal.js'
import { CallIndex } from './call-index.js'
import { hasTarget, methodName } from './call-names.js'
import { CallerIndex, inOrder } from './caller-index.js'
import type { Match, MatchedCall } from './match.js'
import { RecentAnswers } from './recent-answers.js'

/** What may be memorised in one index, about half of the most that it takes: of names, and of rules that they are about. */
const keyBytes = 256 * 1024
const answerBytes = 256 * 1024
/** The answers to several names may hold all rules. */
const answerBytesPerRule = 512
/** Nobody calls a tool by a longer name; it is looked up each time. */
const longestKey = 256
/** Callers who make up names all get the same answer: it is made once, however many names they make up. */
const latestAnswers = 16
/** So few rules about certain callers are asked about each of them one by one. */
const fewRules = 16
/** What so many rules cost is far more than to look them up; lists of them for each caller would fill the memory. */
const mostKept = 32

/** What can be indexed. */
export interface Rule {
  readonly name: string
  readonly match: Match
  /** Names that the rule looks for in the arguments, at any depth. */
  readonly members?: ReadonlySet<string>
}

/**
 * Which rules can concern a call, by server, method and target alone, or by the caller as well. Memorised, so that rules which
 * do not match a call cost nothing on the way of a warm request; found without looking at each of them where it is not. Rules
 * keep the order of their names.
 */
export class RuleIndex<R extends Rule> {
  readonly #rules: readonly R[]
  readonly #servers: ReadonlySet<string>
  /** Of rules about any server. */
  readonly #anywhere: RuleSet<R>
  /** Numbers of rules about a server that they name. */
  readonly #named = new Map<string, number[]>()
  /** Numbers of rules about servers by pattern. */
  readonly #patterned: number[] = []
  /** Those that name a server, or match its name; each made when the server is first called. */
  readonly #own = new Map<string, RuleSet<R>>()
  readonly #memory: RecentAnswers<Answer<R>>
  readonly #latest: Answer<R>[] = []
  /** What the latest answer was for a caller: who calls again most often calls the same. */
  readonly #about = new WeakMap<Principal, { readonly answer: Answer<R>; readonly rules: readonly R[] }>()
  #next = 0

  constructor(rules: readonly R[], servers: readonly string[]) {
    this.#rules = [...rules].sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#servers = new Set(servers)
    this.#memory = new RecentAnswers({ keyBytes, answerBytes: answerBytes + answerBytesPerRule * rules.length })
    const anywhere: number[] = []
    for (const [id, { match }] of this.#rules.entries()) {
      const patterns = match.spec.servers
      if (patterns === undefined) anywhere.push(id)
      else if (patterns.some(pattern => pattern.includes('*'))) this.#patterned.push(id)
      else for (const name of new Set(patterns)) this.#addNamed(name, id)
    }
    this.#anywhere = new RuleSet(this.#rules, anywhere)
  }

  candidates(matched: MatchedCall): readonly R[] {
    return this.#answer(matched)?.rules ?? []
  }

  /** The same without rules about other callers; some of those may be left. */
  candidatesFor(matched: MatchedCall, principal: Principal): readonly R[] {
    const answer = this.#answer(matched)
    if (answer === undefined || !answer.isByCaller) return answer?.rules ?? []
    const known = this.#about.get(principal)
    if (known?.answer === answer) return known.rules
    const rules = answer.about(principal)
    if (rules.length <= mostKept) this.#about.set(principal, { answer, rules })
    return rules
  }

  /** All rules that can concern calls of a Server. */
  ofServer(name: string): readonly R[] {
    const own = this.#ownOf(name)
    return own === undefined ? [] : own.with(this.#anywhere)
  }

  /** The names that any of the candidates looks for in the arguments; the same set as long as it is memorised. */
  members(matched: MatchedCall): ReadonlySet<string> {
    return this.#answer(matched)?.members ?? none
  }

  #answer(matched: MatchedCall): Answer<R> | undefined {
    if (this.#rules.length === 0) return undefined
    const key = keyOf(matched)
    const known = key === undefined ? undefined : this.#memory.get(matched.server, key)
    if (known !== undefined) return known
    const own = this.#ownOf(matched.server)
    if (own === undefined || own.ids.length + this.#anywhere.ids.length === 0) return undefined
    const answer = this.#shared(this.#find(own, matched))
    if (key !== undefined) this.#memory.set(matched.server, key, answer)
    return answer
  }

  #find(own: RuleSet<R>, matched: MatchedCall): readonly R[] {
    const ids: number[] = []
    this.#anywhere.index.collect(matched, ids)
    own.index.collect(matched, ids)
    return pick(this.#rules, inOrder(ids)).filter(rule => rule.match.call(matched))
  }

  /** An answer like the latest ones is the same object: what is worked out of it is worked out once. */
  #shared(rules: readonly R[]): Answer<R> {
    const same = this.#latest.find(one => areSame(one.rules, rules))
    if (same !== undefined) return same
    const answer = new Answer(rules)
    this.#latest[this.#next] = answer
    this.#next = (this.#next + 1) % latestAnswers
    return answer
  }

  #ownOf(server: string): RuleSet<R> | undefined {
    const known = this.#own.get(server)
    if (known !== undefined || !this.#servers.has(server)) return known
    const ids = this.#patterned.filter(id => this.#rules[id]?.match.server(server))
    append(this.#named.get(server), ids)
    const own = new RuleSet(this.#rules, inOrder(ids))
    this.#own.set(server, own)
    return own
  }

  #addNamed(server: string, id: number): void {
    const ids = this.#named.get(server)
    if (ids === undefined) this.#named.set(server, [id])
    else ids.push(id)
  }
}

/** Some of the rules, by their numbers, and which of them can hold for a call. */
class RuleSet<R extends Rule> {
  readonly ids: readonly number[]
  readonly index = new CallIndex()
  readonly #rules: readonly R[]
  #all: readonly R[] | undefined = undefined

  constructor(rules: readonly R[], ids: readonly number[]) {
    this.#rules = rules
    this.ids = ids
    for (const id of ids) {
      const rule = rules[id]
      if (rule !== undefined) this.index.add(rule.match.spec, id)
    }
  }

  /** These and the others, in order. The same array each time, as the others are the same. */
  with(others: RuleSet<R>): readonly R[] {
    if (this.ids.length === 0 && others !== this) return others.with(others)
    this.#all ??= pick(this.#rules, inOrder([...this.ids, ...others.ids]))
    return this.#all
  }
}

function pick<R>(rules: readonly R[], ids: readonly number[]): readonly R[] {
  const picked: R[] = []
  for (const id of ids) {
    const rule = rules[id]
    if (rule !== undefined) picked.push(rule)
  }
  return picked
}

/** The rules that can concern some calls. */
class Answer<R extends Rule> {
  readonly rules: readonly R[]
  /** About what it takes in memory. */
  readonly bytes: number
  #members: ReadonlySet<string> | undefined = undefined
  readonly #aboutCallers: number
  #callers: CallerIndex | undefined = undefined

  constructor(rules: readonly R[]) {
    this.rules = rules
    let members = 0
    let aboutCallers = 0
    for (const rule of rules) {
      members += rules.length > 1 ? (rule.members?.size ?? 0) : 0
      if (rule.match.subjectsGiven || rule.match.agentsGiven) aboutCallers++
    }
    this.#aboutCallers = aboutCallers
    this.bytes = 128 + rules.length * (aboutCallers > fewRules ? 160 : 8) + members * 64
  }

  get members(): ReadonlySet<string> {
    this.#members ??= union(this.rules)
    return this.#members
  }

  /** Whether so many are about certain callers that they are looked up by them. */
  get isByCaller(): boolean {
    return this.#aboutCallers > fewRules
  }

  about(principal: Principal): readonly R[] {
    const { rules } = this
    if (this.#callers === undefined) {
      this.#callers = new CallerIndex()
      for (const [at, { match }] of rules.entries()) this.#callers.add(match.spec, at)
    }
    return pick(rules, this.#callers.of(principal))
  }
}

/**
 * What else than the server decides which rules can concern a call, as text; undefined where it is not memorised. Whatever
 * {@link Match.call} looks at is in it, the catalogue excepted, which says the same of one name each time.
 */
function keyOf({ call, tool }: MatchedCall): string | undefined {
  const { target, alsoTargets, method } = call
  if (alsoTargets.length > 0) return undefined
  const name = tool ?? (target.kind === 'none' ? '' : target.name)
  if (name.length > longestKey || method.length > longestKey) return undefined
  const called = tool !== undefined && target.kind === 'tool' && method === 'tools/call' && call.protocol === 'mcp'
  // All other keys begin with a line break.
  if (called && (call.kind === 'request' || call.kind === 'notification') && !tool.startsWith('\n')) return tool
  // The name is the last, so that it may hold line breaks; a method that does could look like what is behind it.
  if (method.includes('\n')) return undefined
  const touches = hasTarget(call) ? 'touches' : ''
  return `\n${methodName(call)}\n${touches}\n${target.kind}\n${tool === undefined ? '' : 'tool'}\n${name}`
}

function areSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at])
}

const none: ReadonlySet<string> = new Set()

function union(rules: readonly Rule[]): ReadonlySet<string> {
  const [first, ...others] = rules
  if (first === undefined) return none
  if (others.length === 0) return first.members ?? none
  const names = new Set<string>()
  for (const { members } of rules) for (const name of members ?? none) names.add(name)
  return names
}
