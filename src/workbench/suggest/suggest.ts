import { quoted } from '../../decision/quoted.js'
import { compileGlobs } from '../../policy/glob.js'
import type { Server } from '../../policy/server.js'
import { compareNames } from '../../rbac/compare-names.js'
import { SubjectAssigner, type SubjectChoice } from './assign-subjects.js'
import type { ExistingPolicies } from './existing-policies.js'
import type { Observations, SeenServer } from './observations.js'
import { suggestGrants } from './suggest-grants.js'
import { suggestGuardrails } from './suggest-guardrails.js'
import { suggestRoles } from './suggest-roles.js'
import { count, DocumentNames, type SuggestedDocument, someOf } from './suggested-document.js'

export interface SuggestOptions {
  /** Policies that stand already. */
  readonly existing?: ExistingPolicies | undefined
  /** Default: what each Server asks for. */
  readonly as?: 'grants' | 'roles' | undefined
  /** Patterns of groups that rules shall name wherever a member is seen. */
  readonly groups?: readonly string[] | undefined
  /** Leaves out what existing policies give. */
  readonly onlyMissing?: boolean
}

export interface Suggestion {
  /** Sorted by Server, kind and name. */
  readonly documents: readonly SuggestedDocument[]
  /** Existing Grants and bindings that can have given nothing of what was seen. */
  readonly unused: readonly string[]
  /** What a reader has to know before the documents are used. */
  readonly warnings: readonly string[]
}

/** The least that allows what was seen. */
export function suggest(observations: Observations, options: SuggestOptions = {}): Suggestion {
  const { existing } = options
  const names = new DocumentNames(existing?.taken)
  const documents: SuggestedDocument[] = []
  const warnings: string[] = []
  const servers = [...observations.servers.values()].sort((a, b) => compareNames(a.name, b.name))
  for (const seen of servers) {
    const known = existing?.snapshot.servers.byName(seen.name)
    if (existing !== undefined && known === undefined)
      warnings.push(`the policies hold no Server ${quoted(seen.name)}; what it asks for is guessed`)
    documents.push(...suggestForServer(seen, known, names, options, warnings))
  }
  if (observations.overflow > 0)
    warnings.push(
      `${count(observations.overflow, 'call')} found no room and may not be allowed by this: give fewer files, or one Server's`,
    )
  return { documents, unused: existing?.unused(observations) ?? [], warnings }
}

interface Forms {
  readonly grants: boolean
  readonly operations: boolean
  readonly tools: boolean
}

function suggestForServer(
  seen: SeenServer,
  server: Server | undefined,
  names: DocumentNames,
  { existing, as, groups, onlyMissing = false }: SuggestOptions,
  warnings: string[],
): readonly SuggestedDocument[] {
  const choice: SubjectChoice = {
    ...(groups !== undefined && { named: compileGlobs(groups) }),
    ...(existing !== undefined && { known: existing.groups }),
  }
  const assigner = new SubjectAssigner(seen, choice)
  const forms = formsOf(seen, server, as)
  const say = (text: string) => warnings.push(`Server ${quoted(seen.name)}: ${text}`)
  sayForms(forms, seen, server, as, say)
  const documents: SuggestedDocument[] = []
  if (forms.grants) {
    const given: Parameters<typeof suggestGrants>[3] =
      server && existing ? { onlyMissing, given: (caller, target) => existing.givesTarget(server, caller, target) } : {}
    documents.push(...suggestGrants(seen, assigner, names, given))
  }
  if (server && existing && (forms.operations || forms.tools) && !existing.knowsRbac(server))
    say('its permissions are those of a cluster, which is not asked: what is given already is not known')
  const roles = suggestRoles(seen, assigner, names, {
    // Of a catalogued prompt both are asked.
    operations: forms.operations || forms.tools,
    targets: forms.tools,
    server,
    onlyMissing,
    given: server && existing && ((caller, operation) => existing.givesOperation(server, caller, operation)),
  })
  documents.push(...roles.documents)
  if (roles.unwritable > 0) say(`${count(roles.unwritable, 'permission')} left out: the namespace can be none`)
  const guardrails = onlyMissing ? { documents: [], partly: [] } : suggestGuardrails(seen, names)
  documents.push(...guardrails.documents)
  if (guardrails.partly.length > 0)
    say(`no Guardrail for ${someOf(guardrails.partly)}: the arguments of some calls are not recorded`)
  if ((forms.operations || forms.tools) && seen.unfinished.size > 0) {
    const tools = someOf([...seen.unfinished.keys()].sort(compareNames))
    say(`not all that calls of ${tools} do is known: they do more than a record has room for`)
  }
  return documents
}

/** What a Server asks for: as its document says, else as the log shows. */
function formsOf(seen: SeenServer, server: Server | undefined, as: SuggestOptions['as']): Forms {
  const asks = new Set(server?.require ?? seen.asks)
  if (as === 'grants') return { grants: true, operations: false, tools: false }
  if (as === 'roles') {
    const operations = asks.has('operations')
    return { grants: false, operations, tools: asks.has('tools') || !operations }
  }
  if (asks.size === 0) asks.add('grants')
  return { grants: asks.has('grants'), operations: asks.has('operations'), tools: asks.has('tools') }
}

function sayForms(
  forms: Forms,
  seen: SeenServer,
  server: Server | undefined,
  as: SuggestOptions['as'],
  say: (text: string) => void,
): void {
  if (seen.targets.size === 0) return
  const wanted = (['operations', 'tools', 'grants'] as const).filter(form => forms[form])
  if (server === undefined) {
    if (as !== undefined || seen.asks.size === 0)
      say(`this counts where the Server has require: [${wanted.join(', ')}]`)
  } else if (!wanted.every(form => server.require.includes(form)) || server.require.length > wanted.length)
    say(`it has require: [${server.require.join(', ')}], and this counts with [${wanted.join(', ')}]`)
}
