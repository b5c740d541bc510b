import { openAdmin } from '../../src/doors/http/admin/admin.fixture.js'
import { everyMetric } from '../support/every-metric.js'

export interface Series {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Every metric as Prometheus gets it, each with a series at least. */
export async function scrape(): Promise<readonly Series[]> {
  const metrics = everyMetric({ defaults: true })
  const { get, door } = await openAdmin({}, { metrics: () => metrics })
  try {
    return seriesIn((await get('/metrics')).body)
  } finally {
    await door.stop()
  }
}

/** What a scraper gets that takes OpenMetrics. */
export async function scrapeOpenMetrics(): Promise<string> {
  const { get, door } = await openAdmin({}, { metrics: () => everyMetric({ defaults: true }) })
  try {
    return (await get('/metrics', { headers: { accept: 'application/openmetrics-text;version=1.0.0' } })).body
  } finally {
    await door.stop()
  }
}

/** Of the Prometheus text format. */
function seriesIn(text: string): readonly Series[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text] as const)
    return [{ name, labels: new Map(pairs), value: Number(value) }]
  })
}
