import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'

const User = z.looseObject({ username: z.string().default(''), groups: z.array(z.string()).default([]) })
const Event = z.looseObject({
  verb: z.string(),
  requestURI: z.string(),
  userAgent: z.string().default(''),
  user: User,
  impersonatedUser: User.optional(),
  objectRef: z
    .looseObject({
      apiGroup: z.string().default(''),
      resource: z.string().default(''),
      subresource: z.string().default(''),
      namespace: z.string().default(''),
      name: z.string().default(''),
    })
    .optional(),
  responseStatus: z.looseObject({ code: z.number() }).optional(),
})

/** A request, as the API server wrote it down when it was answered. What there was none of is "". */
export interface AuditEvent {
  /** Of Kubernetes (`list`), or an HTTP method in lower case where it was for no resource. */
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** Path and query. */
  readonly uri: string
  /** Who authenticated. */
  readonly user: string
  readonly groups: readonly string[]
  /** Who it was done as, if as another. */
  readonly impersonatedUser: string | undefined
  readonly userAgent: string
  readonly status: number
}

/** The audit log of an API server with this directory, oldest first. A watch is there when it has ended. */
export async function readAuditLog(directory: string): Promise<AuditEvent[]> {
  const text = await readFile(join(directory, 'audit.log'), 'utf8')
  // The last line may be half written.
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(line => line !== '')
    .map(line => toEvent(Event.parse(JSON.parse(line))))
}

function toEvent({
  verb,
  requestURI,
  userAgent,
  user,
  impersonatedUser,
  objectRef,
  responseStatus,
}: z.infer<typeof Event>) {
  const { apiGroup: group = '', resource = '', subresource = '', namespace = '', name = '' } = objectRef ?? {}
  return {
    ...{ verb, group, resource, subresource, namespace, name },
    uri: requestURI,
    user: user.username,
    groups: user.groups,
    impersonatedUser: impersonatedUser?.username,
    userAgent,
    status: responseStatus?.code ?? 0,
  }
}
