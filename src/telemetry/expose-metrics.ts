import { type ExposedMetric, openMetricsType, writeOpenMetrics } from './open-metrics.js'

/** What is exposed. */
export interface ExposedMetrics {
  /** Of `text`. */
  readonly contentType: string
  /** The Prometheus text format. */
  text(): Promise<string>
  /** The values themselves. Without it there is no OpenMetrics. */
  collect?(): Promise<readonly ExposedMetric[]>
}

/** No scraper needs more; a longer header counts as none. */
const maxAccept = 1024

/**
 * Metrics in the format that the scraper likes best: OpenMetrics, with exemplars, if it says so, else the Prometheus text
 * format.
 * @param accept the header `Accept` (RFC 9110, section 12.5.1)
 */
export async function exposeMetrics(
  metrics: ExposedMetrics,
  accept: string | undefined,
): Promise<{ readonly contentType: string; readonly body: string }> {
  if (metrics.collect !== undefined && prefersOpenMetrics(accept))
    return { contentType: openMetricsType, body: writeOpenMetrics(await metrics.collect()) }
  return { contentType: metrics.contentType, body: await metrics.text() }
}

export function prefersOpenMetrics(accept: string | undefined): boolean {
  if (accept === undefined || accept.length > maxAccept) return false
  let [openMetrics, text] = [0, 0]
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
    const named = new Map(parameters.map(one => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]))
    const quality = qualityOf(named.get('q'))
    if (type === 'application/openmetrics-text') {
      const version = named.get('version') ?? '1.0.0'
      if (version === '1.0.0') openMetrics = Math.max(openMetrics, quality)
    } else if (type === 'text/plain') text = Math.max(text, quality)
  }
  return openMetrics > 0 && openMetrics >= text
}

function qualityOf(written: string | undefined): number {
  if (written === undefined) return 1
  const quality = /^[01](?:\.\d{0,3})?$/.test(written) ? Number(written) : 0
  return Math.min(quality, 1)
}
