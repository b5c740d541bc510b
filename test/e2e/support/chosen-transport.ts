import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const Config = z.looseObject({ spec: z.looseObject({ listeners: z.array(z.unknown()).default([]) }).optional() })

/** Settings that give every listener of a Config the transport that a run of the tests is about; none if it is about none. */
export function chosenTransport(config: string): Readonly<Record<string, string>> {
  const transport = process.env.MCP_AUTHZ_LISTENERS_0_TRANSPORT
  if (!transport) return {}
  const { spec } = Config.parse(parse(readFileSync(config, 'utf8')))
  const listeners = Math.max(1, spec?.listeners.length ?? 0)
  return Object.fromEntries(
    Array.from({ length: listeners }, (_, at) => [`MCP_AUTHZ_LISTENERS_${at}_TRANSPORT`, transport]),
  )
}
