import { authzAt, authzLibrary, authzSelectorsLibrary, kubernetesCheckPrice } from './library/authz.js'
import { cidrLibrary } from './library/cidr.js'
import { encoders } from './library/encoders.js'
import { formatLibrary } from './library/format.js'
import { ipLibrary } from './library/ip.js'
import { jsonPatchLibrary } from './library/jsonpatch.js'
import { kubernetesLists, listIncludes } from './library/kubernetes-lists.js'
import type { Library } from './library/library.js'
import { lists } from './library/lists.js'
import { math } from './library/math.js'
import { optionals } from './library/optionals.js'
import { quantityLibrary } from './library/quantity.js'
import { kubernetesRegex, regex } from './library/regex.js'
import { semverLibrary } from './library/semver.js'
import { sets } from './library/sets.js'
import { standard } from './library/standard.js'
import { kubernetesStrings } from './library/strings.js'
import { urlLibrary } from './library/url.js'
import { limits } from './limits.js'

/** From the oldest to the newest. */
export const kubernetesSets = [
  'kubernetes/1.28',
  'kubernetes/1.29',
  'kubernetes/1.30',
  'kubernetes/1.31',
  'kubernetes/1.32',
  'kubernetes/1.33',
  'kubernetes/1.34',
  'kubernetes/1.35',
  'kubernetes/1.36',
] as const

export type LibrarySet = 'mcp-authz/v1' | (typeof kubernetesSets)[number]

/**
 * Macros that not every set has; has, all, exists, exists_one, map, filter, optMap and optFlatMap are in each. `existsOne`
 * is that name with one variable, which cel-go knows but does not offer.
 */
export type SetMacro = 'two variables' | 'existsOne' | 'sortBy' | 'cel.bind'

/** What a set offers beside functions. */
export interface SetRules {
  readonly macros: ReadonlySet<SetMacro>
  /** Units that one evaluation may cost. */
  readonly budget: number
  /** Units of one question to the authorizer: two fit into the budget. */
  readonly checkPrice: number
  /** Whether `getHours()` and its like must name a time zone; in Kubernetes they mean UTC without. */
  readonly needsTimeZone: boolean
}

/** `format` and `strings.quote` came with version 2 of the strings extension, in Kubernetes 1.29. */
const newTexts: ReadonlySet<string> = new Set(['string_format', 'strings_quote'])

const firstStrings: Library = {
  name: 'strings',
  functions: kubernetesStrings.functions.filter(({ id }) => !newTexts.has(id)),
}

/** A tenth of Kubernetes' price, as the budget is a tenth. */
const checkPrice = kubernetesCheckPrice / 10

/** What each minor version brought (apiserver pkg/cel/environment/base.go). */
const introduced: readonly (readonly [minor: number, ...libraries: Library[]])[] = [
  // 1.27 and before, but for optionals and quantities.
  [28, standard, urlLibrary, kubernetesRegex, kubernetesLists, authzLibrary, optionals, quantityLibrary],
  [29, sets],
  [30, ipLibrary, cidrLibrary],
  [31, formatLibrary, authzSelectorsLibrary],
  // 1.32 brought macros over two variables.
  [33, semverLibrary],
  [34, lists],
]

function kubernetes(minor: number): readonly Library[] {
  const libraries = introduced.flatMap(([since, ...brought]) => (since <= minor ? brought : []))
  return [...libraries, minor < 29 ? firstStrings : kubernetesStrings]
}

/**
 * The functions that expressions of a version may call. A set never changes once it was released: what a policy means must
 * not change under it. `mcp-authz/v1` is Kubernetes 1.36 with `includes` of 1.37, and
 * `regex`, `math` and `encoders` of cel-go. `kubernetes/1.N`
 * is what an API server of 1.36 offers to expressions that must work in 1.N.
 */
export const librarySets: Readonly<Record<LibrarySet, readonly Library[]>> = {
  'mcp-authz/v1': [
    standard,
    optionals,
    urlLibrary,
    kubernetesRegex,
    regex,
    kubernetesLists,
    { name: 'includes', functions: [listIncludes] },
    kubernetesStrings,
    quantityLibrary,
    sets,
    ipLibrary,
    cidrLibrary,
    formatLibrary,
    semverLibrary,
    jsonPatchLibrary,
    lists,
    math,
    encoders,
    authzAt(checkPrice),
    authzSelectorsLibrary,
  ],
  'kubernetes/1.28': kubernetes(28),
  'kubernetes/1.29': kubernetes(29),
  'kubernetes/1.30': kubernetes(30),
  'kubernetes/1.31': kubernetes(31),
  'kubernetes/1.32': kubernetes(32),
  'kubernetes/1.33': kubernetes(33),
  'kubernetes/1.34': kubernetes(34),
  'kubernetes/1.35': kubernetes(35),
  'kubernetes/1.36': kubernetes(36),
}

const ours: SetRules = {
  macros: new Set<SetMacro>(['two variables', 'existsOne', 'sortBy', 'cel.bind']),
  budget: limits.budget,
  checkPrice,
  needsTimeZone: true,
}

function kubernetesRules(...macros: readonly SetMacro[]): SetRules {
  return {
    macros: new Set(macros),
    budget: limits.kubernetesBudget,
    checkPrice: kubernetesCheckPrice,
    needsTimeZone: false,
  }
}

const rules: Readonly<Record<LibrarySet, SetRules>> = {
  'mcp-authz/v1': ours,
  'kubernetes/1.28': kubernetesRules(),
  'kubernetes/1.29': kubernetesRules(),
  'kubernetes/1.30': kubernetesRules(),
  'kubernetes/1.31': kubernetesRules(),
  'kubernetes/1.32': kubernetesRules('two variables'),
  'kubernetes/1.33': kubernetesRules('two variables'),
  'kubernetes/1.34': kubernetesRules('two variables', 'sortBy'),
  'kubernetes/1.35': kubernetesRules('two variables', 'sortBy'),
  'kubernetes/1.36': kubernetesRules('two variables', 'sortBy'),
}

export function rulesOf(set: LibrarySet): SetRules {
  return rules[set]
}

/** The libraries of a set; with objects, what Kubernetes has beside them (`jsonpatch.escapeKey`). */
export function librariesOf(set: LibrarySet, objects: boolean): readonly Library[] {
  const libraries = librarySets[set]
  return !objects || libraries.includes(jsonPatchLibrary) ? libraries : [...libraries, jsonPatchLibrary]
}
