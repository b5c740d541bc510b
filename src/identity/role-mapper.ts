import { createCelEnvironment } from '../cel/create-environment.js'
import type { CelEnvironment, CelOutput, CelProgram } from '../cel/environment.js'
import type { Finding } from '../documents/finding.js'
import type { SourceDocument } from '../documents/source-document.js'
import type { JsonObject, JsonValue } from '../protocol/json-value.js'
import { isExplicit, isReserved, markedExpression, markedName } from './explicit-names.js'
import { compileAt } from './expressions.js'
import { tooMany } from './identity-limits.js'

/** `roleMapper` and `roleMappings` of Identity, compiled: the groups that a token has beside those of its claims. */
export interface RoleMapper {
  readonly program: CelProgram
  readonly rolesMap: JsonObject
  /** Both with marks at the reserved names that the document says itself (explicit-names.ts). */
  readonly marked: { readonly program: CelProgram; readonly rolesMap: JsonObject }
}

export type MappedRoles =
  | { readonly ok: true; readonly groups: readonly string[] }
  | { readonly ok: false; readonly reason: 'identity.claims' | 'identity.reserved_name'; readonly message: string }

/** For tools that look at expressions without their document's mappings. */
export const rolesEnvironment: CelEnvironment = createCelEnvironment({ claims: 'map', rolesMap: 'map(string, dyn)' })

type Mappings = Readonly<Record<string, string | readonly string[]>>

/**
 * Compiles a role mapper: CEL over `claims` and `rolesMap`, with a text, a list of texts or a list of such lists as its
 * result. Where every role of `roleMappings` is a text, or every one a list, `rolesMap` is typed so, and mistakes are found
 * here.
 */
export function compileRoleMapper(
  document: SourceDocument,
  findings: Finding[],
  source: string | undefined,
  mappings: Mappings | undefined,
): RoleMapper | undefined {
  if (source === undefined) {
    if (mappings !== undefined)
      findings.push(
        document.finding('error', ['spec', 'roleMappings'], 'is read by nothing', {
          hint: 'add roleMapper: "has(claims.groups) ? claims.groups.transformList(i, v, v in rolesMap, rolesMap[v]) : []"',
        }),
      )
    return undefined
  }
  const environment = createCelEnvironment({ claims: 'map', rolesMap: typeOfRoles(mappings ?? {}) })
  const path = ['spec', 'roleMapper']
  const program = compileAt(document, findings, environment, path, source, 'dyn')
  if (program === undefined) return undefined
  if (!givesRoles(environment, source)) {
    findings.push(document.finding('error', path, 'must give a text or a list of texts'))
    return undefined
  }
  if (mappings !== undefined && !program.variables.has('rolesMap'))
    findings.push(
      document.finding('warning', path, 'does not read rolesMap, so roleMappings has no effect', {
        hint: 'look roles up with rolesMap[v]',
      }),
    )
  const markedSource = markedExpression(source)
  const recompiled = markedSource === undefined ? undefined : environment.compile(markedSource)
  const marked = recompiled?.ok === true ? recompiled.program : program
  return {
    program,
    rolesMap: rolesMapOf(mappings ?? {}, role => role),
    marked: { program: marked, rolesMap: rolesMapOf(mappings ?? {}, markedName) },
  }
}

function rolesMapOf(mappings: Mappings, write: (role: string) => string): JsonObject {
  return new Map(
    Object.entries(mappings).map(([key, role]): [string, JsonValue] => [
      key,
      typeof role === 'string' ? write(role) : role.map(write),
    ]),
  )
}

function typeOfRoles(mappings: Mappings): string {
  const roles = Object.values(mappings)
  if (roles.length > 0 && roles.every(role => typeof role === 'string')) return 'map(string, string)'
  if (roles.length > 0 && roles.every(role => typeof role !== 'string')) return 'map(string, list(string))'
  return 'map(string, dyn)'
}

/** Whether the type of the result can be one of those that are read. `+` asks for two lists of one type. */
function givesRoles(environment: CelEnvironment, source: string): boolean {
  if (environment.compile(source, 'string').ok) return true
  // The line break ends a comment.
  return ["['']", "[['']]"].some(list => environment.compile(`(${source}\n) + ${list}`).ok)
}

/**
 * The roles of a token. A mapper that reads a claim which the token does not have gives none, as if it had asked with
 * `has()`: kagent's default answers 401 to everybody whose issuer writes `groups` and not `Groups`. Every other error
 * denies. Empty names are dropped. Names beginning with `system:` are refused unless the document itself says them.
 */
export function mapRoles({ program, rolesMap, marked }: RoleMapper, claims: JsonObject): MappedRoles {
  const roles = evaluate(program, rolesMap, claims)
  if (roles === undefined) return failed
  const groups = [...new Set(roles)].filter(role => role !== '')
  const oversized = tooMany('roles', groups)
  if (oversized !== undefined) return { ok: false, reason: 'identity.claims', message: oversized }
  if (!groups.some(isReserved)) return { ok: true, groups }
  const said = evaluate(marked.program, marked.rolesMap, claims)
  const same = said?.length === roles.length
  if (roles.every((role, index) => !isReserved(role) || (same && isExplicit(role, said[index]))))
    return { ok: true, groups }
  return {
    ok: false,
    reason: 'identity.reserved_name',
    message: 'A role of this token begins with the reserved prefix system:.',
  }
}

/** undefined for an error, and for a result of another kind. */
function evaluate(program: CelProgram, rolesMap: JsonObject, claims: JsonObject): readonly string[] | undefined {
  const activation = (name: string) => (name === 'claims' ? claims : name === 'rolesMap' ? rolesMap : undefined)
  const evaluated = program.evaluate(activation)
  if (evaluated.ok) return flatten(evaluated.value)
  const absent = program.members
    .filter(({ name, of }) => of.length === 1 && of[0] === 'claims' && !claims.has(name))
    .map(({ name }) => ['claims', name] as const)
  // Would it fail whatever the absent claims were, it is another error.
  const hypothetical = absent.length === 0 ? undefined : program.evaluatePartial(activation, absent)
  return hypothetical?.kind === 'unknown' ? [] : undefined
}

const failed: MappedRoles = {
  ok: false,
  reason: 'identity.claims',
  message: 'The roles of this token cannot be derived from its claims (Identity.spec.roleMapper).',
}

/** null counts as none; a list may hold lists, as rolesMap does. undefined for anything else than texts. */
function flatten(value: CelOutput): readonly string[] | undefined {
  if (value === null) return []
  if (typeof value === 'string') return [value]
  if (!isList(value)) return undefined
  const groups: string[] = []
  for (const item of value) {
    const texts = isList(item) ? item : [item]
    if (!texts.every(text => typeof text === 'string')) return undefined
    groups.push(...texts)
  }
  return groups
}

function isList(value: CelOutput): value is readonly CelOutput[] {
  return Array.isArray(value)
}
