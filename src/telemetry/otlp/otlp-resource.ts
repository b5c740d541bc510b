import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import { packageVersion } from '../../package-version.js'
import type { OtlpSettings } from './otlp-settings.js'

/** The same in every signal of this process, so that a collector can join them. */
const instanceId = randomUUID()

/** Who tells: what the environment says wins over what we know. */
export function otlpResource({ resource }: Pick<OtlpSettings, 'resource'>): Resource {
  const ours = {
    'service.name': 'mcp-authz',
    'service.version': packageVersion,
    'service.instance.id': instanceId,
    'host.name': hostname(),
  }
  return defaultResource().merge(resourceFromAttributes({ ...ours, ...resource }))
}
