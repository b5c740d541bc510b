import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { packageRoot } from '../../src/package-root.js'
import { readMarkdown, tableRows } from '../docs/markdown.js'
import { findPromtool } from './find-promtool.js'
import { type Series, scrape, scrapeOpenMetrics } from './scrape.js'

const run = promisify(execFile)
const folder = join(packageRoot, 'deploy', 'monitoring')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')

const { groups } = z
  .object({ groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })) })
  .parse(parse(read('alerts.yaml')))
const alerts = groups.flatMap(({ rules }) => rules)

const { panels, annotations } = z
  .object({
    panels: z.array(
      z.object({
        id: z.number(),
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
    annotations: z.object({ list: z.array(z.object({ name: z.string(), expr: z.string() })) }),
  })
  .parse(JSON.parse(read('dashboard.json')))
const queries = [
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }, index) => ({ name: `${title} ${index}`, expr }))),
  ...annotations.list,
]

/** What Grafana makes of the variables, all of them chosen. */
const asked = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(?:job|server)\b/g, '.*')

let series: readonly Series[]
beforeAll(async () => {
  series = await scrape()
})

/** Of the scrape itself. */
const ofPrometheus = ['job', 'instance']
const labelsOf = (name: string) =>
  new Set(series.filter(one => one.name === name).flatMap(({ labels }) => [...labels.keys()]))

/** Names and labels that an expression speaks of and the program does not export. */
function unknownIn(expr: string): readonly string[] {
  const metrics = new Set([...expr.matchAll(/\b(?:mcp_authz|process|nodejs)_[a-z_]+/g)].map(([name]) => name))
  const missing = [...metrics].filter(name => !series.some(one => one.name === name))
  const known = new Set([...metrics].flatMap(name => [...labelsOf(name)]).concat(ofPrometheus))
  const matched = [...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label)
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
  return [...missing, ...[...matched, ...grouped].filter(label => !known.has(label))]
}

describe('alerts', () => {
  it('have names of their own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    expect(alerts.length).toBeGreaterThan(10)
  })

  it.each(alerts)('$alert asks for what there is', ({ expr }) => expect(unknownIn(expr)).toEqual([]))

  it('find what is missing', () => {
    expect(unknownIn('mcp_authz_decision_total{sever="a"} + sum by (reasons) (mcp_authz_decisions_total)')).toEqual([
      'mcp_authz_decision_total',
      'sever',
      'reasons',
    ])
  })

  it('each have a line in the runbook, and no others', () => {
    const rows = tableRows(readMarkdown('docs/operations.md'), 'Alerts')
    expect(rows.map(([cell = '']) => cell.replaceAll('`', ''))).toEqual(alerts.map(({ alert }) => alert))
    for (const row of rows) expect(row.filter(cell => cell !== '')).toHaveLength(3)
  })

  it('each fire in a test', () => {
    const tests = `${read('alerts.test.yaml')}${read('alerts-after-days.test.yaml')}`
    for (const { alert } of alerts)
      expect(tests).toMatch(new RegExp(`- alertname: ${alert}\n +eval_time: .*\n +exp_alerts:`))
  })
})

describe('the dashboard', () => {
  it.each(queries)('$name asks for what there is', ({ expr }) => expect(unknownIn(asked(expr))).toEqual([]))

  it('names in legends only labels that are left', () => {
    for (const { targets } of panels)
      for (const { expr, legendFormat } of targets) {
        const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
        const grouping = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')
        expect((grouping ?? ofPrometheus).filter(label => label !== 'le')).toEqual(expect.arrayContaining(labels))
      }
  })

  it('lays its panels beside each other', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos
      expect(x + w, title).toBeLessThanOrEqual(24)
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          expect(taken.has(`${column},${line}`), title).toBe(false)
          taken.add(`${column},${line}`)
        }
    }
  })

  it('shows every metric of ours', () => {
    const shown = queries.map(({ expr }) => expr).join('\n')
    const names = new Set(series.map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, '')))
    for (const name of names) if (name.startsWith('mcp_authz_')) expect(shown).toContain(name)
  })
})

const promtool = await findPromtool({ build: false })
if (!promtool.found) process.stderr.write(`skipped: ${promtool.message}\n`)

describe.skipIf(!promtool.found)('promtool', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'promtool-'))
  afterAll(() => rmSync(temporary, { recursive: true, force: true }))
  const tool = async (...words: readonly string[]) => {
    if (!promtool.found) throw new Error(promtool.message)
    const done = run(promtool.program, words, { timeout: 60_000 })
    return done.then(
      () => '',
      (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ''}${error.stderr ?? ''}`,
    )
  }

  it('reads the rules', async () => {
    expect(await tool('check', 'rules', '--lint=all', '--lint-fatal', join(folder, 'alerts.yaml'))).toBe('')
  })

  it.each(['alerts.test.yaml', 'alerts-after-days.test.yaml'])(
    'fires as %s says',
    async name => expect(await tool('test', 'rules', join(folder, name))).toBe(''),
    60_000,
  )

  describe('reads OpenMetrics', () => {
    /** It stores samples, which need a time; an exemplar that it cannot read fails it. */
    const store = async (text: string) => {
      const file = join(temporary, 'metrics.txt')
      const timed = text.replaceAll(/^([a-z_0-9]+(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? \S+)/gm, '$1 1700000000')
      writeFileSync(file, timed)
      return tool('tsdb', 'create-blocks-from', 'openmetrics', file, mkdtempSync(join(temporary, 'blocks-')))
    }

    it('with its exemplars', async () => {
      const text = await scrapeOpenMetrics()
      expect(text.match(/ # \{decision_id="/g)).toHaveLength(2)
      expect(await store(text)).toBe('')
    }, 60_000)

    it.each([
      ['an exemplar', (text: string) => text.replace('{decision_id="', '{decision_id=')],
      ['a family', (text: string) => text.replace(/^# TYPE .*$/m, '# TYPE a nothing')],
      ['the end', (text: string) => text.replace('# EOF\n', '')],
    ])('but not with %s broken', async (_name, breakIt) => {
      expect(await store(breakIt(await scrapeOpenMetrics()))).toMatch(/while parsing|invalid metric type|EOF/)
    })
  })

  it('gets an answer to every query of the dashboard from a scrape', async () => {
    const input = series.map(({ name, labels, value }) => {
      const all = [...labels, ['job', 'a'], ['instance', '1']].map(([key, text]) => `${key}="${text}"`)
      // Counters count: each of them goes up from what was scraped.
      const counts = /_(?:total|bucket|sum|count)$/.test(name)
      return { series: `${name}{${all.join(',')}}`, values: `${value}+${counts ? 60 : 0}x20` }
    })
    const expectations = queries
      // That nothing has changed is an answer too, and it is no series.
      .filter(({ name }) => name !== 'Policies changed')
      .map(({ expr }) => ({
        ...{ expr: `count(${asked(expr)}) > bool 0`, eval_time: '15m' },
        exp_samples: [{ labels: '{}', value: 1 }],
      }))
    const changed = annotations.list.map(({ expr }) => ({ expr: asked(expr), eval_time: '15m', exp_samples: [] }))
    const tests = [{ interval: '1m', input_series: input, promql_expr_test: [...expectations, ...changed] }]
    const file = join(temporary, 'dashboard.test.yaml')
    writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: '1m', tests }))
    expect(await tool('test', 'rules', file)).toBe('')
  }, 60_000)
})
