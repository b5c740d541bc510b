import { readFileSync } from 'node:fs'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { OtlpSettings } from './otlp-settings.js'

/** One kept connection to a collector. Throws when a certificate cannot be read. */
export function createOtlpAgent({ url, tls }: Pick<OtlpSettings, 'url' | 'tls'>): HttpAgent | HttpsAgent {
  if (!/^https:/i.test(url)) return new HttpAgent({ keepAlive: true, maxSockets: 1 })
  const { ca, cert, key } = tls
  return new HttpsAgent({
    keepAlive: true,
    maxSockets: 1,
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  })
}
