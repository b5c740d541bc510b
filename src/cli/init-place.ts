import type { Endpoint } from '../catalog-import/endpoint.js'
import { issuerUrlProblem } from '../identity/issuer-url.js'
import { readResource } from '../policy/read-resource.js'
import type { StartInput, Upstream } from '../workbench/init/start-input.js'
import { UsageError } from './command.js'

export interface PlaceFlags {
  readonly issuer?: string | undefined
  readonly audience?: string | undefined
  readonly group?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly resource?: string | undefined
  readonly listen: string
  readonly 'username-claim': string
  readonly 'groups-claim': string
}

const everybody = 'system:authenticated'
const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const visible = /^[\x21-\x7e]{1,2048}$/
const oneLine = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u

type Place = Pick<
  StartInput,
  'resource' | 'path' | 'issuer' | 'audience' | 'claims' | 'groups' | 'listen' | 'authz' | 'http' | 'upstream'
>

/** What the flags say, checked; what could be written but not be loaded is refused here, where the flag can be named. */
export function placeOf(values: PlaceFlags, endpoint: Endpoint | undefined): Place {
  const { issuer, audience, group: groups = [], name } = values
  if (issuer === undefined) throw new UsageError('say with --issuer URL who issues the tokens')
  if (audience === undefined) throw new UsageError('say with --audience whom the tokens are for')
  if (!visible.test(audience)) throw new UsageError('--audience is visible ASCII without spaces')
  for (const group of groups) {
    if (group.startsWith('system:') && group !== everybody)
      throw new UsageError('--group is a group of your tokens; those never begin with "system:"')
    if (!oneLine.test(group)) throw new UsageError('--group is the name of a group, on one line')
    if (group.includes('*')) throw new UsageError('--group is one group; for everybody who signs in, leave it out')
  }
  if (name !== undefined && !dnsLabel.test(name))
    throw new UsageError('--name is a DNS label: lower-case letters, digits and "-"')
  const claims = { username: values['username-claim'], groups: values['groups-claim'] }
  for (const claim of Object.values(claims))
    if (!oneLine.test(claim)) throw new UsageError('a claim is named in one line')
  const listen = hostAndPort('--listen', values.listen)
  const server = endpoint === undefined ? undefined : new URL(endpoint.url)
  const path = server?.pathname
  if (values.resource === undefined && (listen.host === '0.0.0.0' || listen.host === '::'))
    throw new UsageError('clients cannot use that address of --listen; say with --resource URL what they use')
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
  const given = values.resource ?? `http://${host}:${listen.port}${path ?? '/mcp'}`
  const resource = readResource(given)
  if (typeof resource === 'string')
    throw new UsageError(`${values.resource === undefined ? 'the path of --server-url' : '--resource'}: ${resource}`)
  if (path !== undefined && resource.path !== path)
    throw new UsageError(
      `--resource has the path ${resource.path}, but the server ${path}; envoy.yaml rewrites no paths, so they are the same`,
    )
  return {
    ...{ resource: given, path: resource.path, issuer: issuerOf(issuer), audience, claims, listen },
    groups: groups.includes(everybody) ? [] : groups,
    authz: { host: '127.0.0.1', port: 9001 },
    http: { host: '127.0.0.1', port: 9002 },
    upstream: server === undefined ? undefined : upstreamOf(server),
  }
}

function upstreamOf({ protocol, hostname, port }: URL): Upstream {
  const tls = protocol === 'https:'
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  return { host, port: port === '' ? (tls ? 443 : 80) : Number(port), tls }
}

/** As the loader wants it, with a setting in config.yaml for an issuer on this machine. */
function issuerOf(text: string): string {
  const problem = issuerUrlProblem(text, { insecureLoopback: true })
  if (problem !== undefined) throw new UsageError(`--issuer ${problem}`)
  if (text.includes('?') || !visible.test(text))
    throw new UsageError(
      '--issuer has neither query nor blanks (RFC 8414, section 2); write it as tokens have it in iss',
    )
  return text
}

function hostAndPort(flag: string, text: string): { readonly host: string; readonly port: number } {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})$/.exec(text)
  const port = Number(found?.[3])
  const host = found?.[1] ?? found?.[2]
  if (host === undefined || port < 1 || port > 65_535) throw new UsageError(`${flag} is HOST:PORT`)
  return { host, port }
}
