import { compileGlob } from '../../policy/glob.js'
import type { Server } from '../../policy/server.js'
import type { CatalogTool } from '../../rbac/tool-catalog.js'
import {
  type CheckedSet,
  type CheckFinding,
  found,
  isAboutCalls,
  modeOf,
  rulesOf,
  type WrittenRule,
} from './checked-set.js'
import { coversCallers } from './cover-match.js'
import { callsTo, matchedTools } from './foreseen-calls.js'
import { conditionsOf, validationOf, validationsOf } from './foreseen-rule.js'

/**
 * Grants of tools that an enforcing Guardrail never lets through, whoever calls. A pattern of which the Guardrail takes some
 * tools away is no contradiction: that is what Guardrails are for.
 */
export function findContradictions(set: CheckedSet): readonly CheckFinding[] {
  const guardrails = rulesOf(set, 'Guardrail').filter(
    ({ document }) => modeOf(document) === 'Enforce' && isAboutCalls(document),
  )
  const all = new Deniers(guardrails)
  return rulesOf(set, 'Grant').flatMap(grant => {
    const { document, match } = grant
    const asking = grant.servers.filter(({ require }) => require.includes('grants'))
    return (match.tools ?? []).flatMap((pattern, index) => {
      const isNamed = compileGlob(pattern)
      const deniers = new Set<string>()
      let tools = 0
      for (const server of asking) {
        // Without a catalogue there may be tools that the Guardrail does not name.
        const known = matchedTools(grant, server)
        const named = known?.filter(({ name }) => isNamed(name))
        if (named === undefined) return []
        tools += named.length
        for (const tool of named) {
          const denier = all.of(server, tool, grant)
          if (denier === undefined) return []
          deniers.add(denier.document.name)
        }
      }
      if (tools === 0) return []
      const names = [...deniers].join(', ')
      const message = `gives "${pattern}", which the Guardrail ${names} never lets through, whatever the arguments`
      const hint = 'take it out of the Grant, or let the Guardrail match less'
      return [found(document, 'contradicts-grant', ['spec', 'match', 'tools', index], message, hint)]
    })
  })
}

/** Which Guardrails deny every call of a tool by the callers that they are about; each is asked once. */
class Deniers {
  readonly #guardrails: readonly WrittenRule[]
  readonly #known = new Map<Server, Map<string, readonly WrittenRule[]>>()

  constructor(guardrails: readonly WrittenRule[]) {
    this.#guardrails = guardrails
  }

  of(server: Server, tool: CatalogTool, grant: WrittenRule): WrittenRule | undefined {
    return this.#of(server, tool).find(
      ({ match }) =>
        // What is given to an agent as a subject is not about the person behind it.
        (match.subjects === undefined || !server.principals.includes('agent')) && coversCallers(match, grant.match),
    )
  }

  #of(server: Server, tool: CatalogTool): readonly WrittenRule[] {
    const ofServer = this.#known.get(server) ?? this.#find(server)
    this.#known.set(server, ofServer)
    return ofServer.get(tool.name) ?? []
  }

  #find(server: Server): Map<string, readonly WrittenRule[]> {
    const found = new Map<string, WrittenRule[]>()
    for (const guardrail of this.#guardrails) {
      if (!guardrail.servers.includes(server)) continue
      const { document } = guardrail
      const conditions = conditionsOf(document)
      const validations = validationsOf(document).flatMap(index => validationOf(document, index) ?? [])
      for (const tool of matchedTools(guardrail, server) ?? []) {
        const calls = callsTo(server, tool)
        if (conditions !== undefined && conditions.foresee(calls) !== 'violated') continue
        const answers = validations.map(one => one.foresee(calls))
        if (!answers.includes('violated')) continue
        found.set(tool.name, [...(found.get(tool.name) ?? []), guardrail])
      }
    }
    return found
  }
}
