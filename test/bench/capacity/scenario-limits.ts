import type { Inputs } from './inputs.js'
import { setOf } from './scenario-steady.js'
import { setCost, shardOf, toolsOf } from './set-cost.js'
import { amount, mebibytes, percent, type Section, table } from './table.js'
import { answerRoom, type Estate, limits, tokenRoom } from './traffic.js'

/** What sets of policies take in one process, as measured. */
export function sets({ loads }: Inputs): Section {
  const rows = loads.map(one => [
    amount(one.servers),
    amount(toolsOf(one)),
    amount(one.guardrails + one.grants),
    amount(one.bindings),
    (one.loadMs / 1000).toFixed(1),
    amount(one.reloadMs),
    amount(one.pauseMs),
    mebibytes(one.heapBytes),
    mebibytes(one.peakRssBytes),
  ])
  const times = ['load, s', 'reload, ms', 'longest pause, ms']
  const head = ['Servers', 'tools', 'rules', 'bindings', ...times, 'kept, MiB', 'process at most, MiB']
  return { name: 'sets', markdown: table(head, rows) }
}

/** The estate, dealt out to several sets of processes. */
export function shards(inputs: Inputs, estate: Estate): Section {
  const rss = (inputs.variants.find(one => one.name === 'native')?.rssMb ?? 0) * 2 ** 20
  const tokens = tokenRoom() * inputs.tokens.bytesEach
  const rows = [1, 2, 5, 10, 20].map(parts => {
    const size = shardOf(setOf(estate), parts)
    const { loadSeconds, reloadMs, heapBytes } = setCost(inputs, size)
    const memory = rss + heapBytes + tokens
    return [
      parts,
      amount(size.servers),
      loadSeconds.toFixed(1),
      amount(reloadMs),
      mebibytes(memory),
      memory <= limits.podBytes && heapBytes + tokens <= limits.podHeapBytes ? 'yes' : 'no',
    ]
  })
  const head = ['parts', 'Servers each', 'load, s', 'reload, ms', 'MiB each', 'fits deploy/kubernetes (512 MiB)']
  return { name: 'shards', markdown: table(head, rows) }
}

/** What is remembered, when it is full. */
export function memory({ tokens, answers, bindings, configMaps }: Inputs): Section {
  const most = bindings.at(-1)
  const rows = [
    ['verified tokens', amount(tokenRoom()), amount(tokens.bytesEach), mebibytes(tokenRoom() * tokens.bytesEach)],
    [
      'answers of an API server',
      amount(answerRoom),
      amount(answers.bytesEach),
      mebibytes(answerRoom * answers.bytesEach),
    ],
    ...(most === undefined
      ? []
      : [['watched RoleBindings', amount(most.count), amount(most.bytesEach), mebibytes(most.count * most.bytesEach)]]),
  ]
  const rebuilt = bindings.map(one => `${amount(one.count)} in ${amount(one.rebuildMs ?? 0)} ms`).join(', ')
  const reloads = configMaps.map(one => [
    amount(one.configMaps),
    amount(one.guardrails),
    amount(one.servers),
    (one.loadMs / 1000).toFixed(1),
    amount(one.reloadMs),
    mebibytes(one.heapBytes),
  ])
  const head = ['ConfigMaps', 'Guardrails', 'Servers', 'load, s', 'reload, ms', 'kept, MiB']
  const text = [
    table(['what', 'at most', 'bytes each', 'MiB'], rows),
    '',
    `The index of watched bindings is made anew after a change, in slices: ${rebuilt}.`,
    '',
    table(head, reloads),
  ]
  return { name: 'memory', markdown: text.join('\n') }
}

/** The lists of a catalogue. */
export function lists({ lists: measured }: Inputs): Section {
  const rows = measured.map(one => [
    amount(one.tools),
    amount(one.bytes / 1024),
    amount(one.micros),
    one.ofJson.toFixed(1),
    percent(one.micros / 10_000),
  ])
  const head = ['tools', 'KiB', 'µs', '× JSON.parse and stringify', 'of a turn of 10 ms']
  return { name: 'lists', markdown: table(head, rows) }
}
