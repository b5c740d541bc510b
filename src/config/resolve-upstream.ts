import type { Finding } from '../documents/finding.js'
import { issuerUrlProblem } from '../identity/issuer-url.js'
import type { ConfigSigning, ConfigTokenExchange } from './config.js'
import type { ConfigSpec } from './config-document.js'

type Report = (
  severity: Finding['severity'],
  path: readonly (string | number)[],
  message: string,
  hint?: string,
) => void

/** Our own keys. @param at makes a path absolute */
export function resolveSigning(
  signing: ConfigSpec['signing'],
  at: (path: string) => string,
  report: Report,
): ConfigSigning | undefined {
  if (signing === undefined) return undefined
  const { issuer, keys, leadSeconds, contextTokenSeconds, accessTokenSeconds } = signing
  const seen = new Set<string>()
  for (const [i, key] of keys.entries()) {
    if (seen.has(at(key.file))) report('error', ['signing', 'keys', i, 'file'], 'is listed twice')
    seen.add(at(key.file))
  }
  return {
    issuer,
    keys: keys.map(({ file, optional }) => ({ file: at(file), optional })),
    leadMs: leadSeconds * 1000,
    contextTokenSeconds,
    accessTokenSeconds,
  }
}

/** The providers that exchange tokens, by name. */
export function resolveTokenExchange(
  { tokenExchange, identity }: ConfigSpec,
  at: (path: string) => string,
  report: Report,
): ReadonlyMap<string, ConfigTokenExchange> {
  return new Map(
    Object.entries(tokenExchange).map(([name, one]) => {
      const path = ['tokenExchange', name]
      const problem = issuerUrlProblem(one.tokenEndpoint, { insecureLoopback: identity.insecureLoopbackIssuers })
      if (problem !== undefined) report('error', [...path, 'tokenEndpoint'], problem)
      return [
        name,
        {
          tokenEndpoint: one.tokenEndpoint,
          clientId: one.clientId,
          clientAuthentication: authenticationOf(one, path, at, report),
          certificateAuthority: one.certificateAuthority === undefined ? undefined : at(one.certificateAuthority),
          timeoutMs: one.timeoutMs,
          maxInFlight: one.maxInFlight,
        },
      ]
    }),
  )
}

function authenticationOf(
  one: ConfigSpec['tokenExchange'][string],
  path: readonly string[],
  at: (path: string) => string,
  report: Report,
): ConfigTokenExchange['clientAuthentication'] {
  const { clientAuthentication: method, clientSecretFile, privateKeyFile } = one
  const wanted = method === 'none' ? undefined : method === 'private_key_jwt' ? 'privateKeyFile' : 'clientSecretFile'
  for (const field of ['clientSecretFile', 'privateKeyFile'] as const) {
    if (field === wanted && one[field] === undefined)
      report('error', [...path, 'clientAuthentication'], `${method} needs ${field}`, `add ${field}`)
    if (field !== wanted && one[field] !== undefined)
      report('error', [...path, field], `${method} does not use it`, 'remove it, or change clientAuthentication')
  }
  switch (method) {
    case 'none':
      return { method }
    case 'private_key_jwt':
      return { method, keyFile: at(privateKeyFile ?? '') }
    case 'client_secret_basic':
    case 'client_secret_post':
      return { method, secretFile: at(clientSecretFile ?? '') }
  }
}
