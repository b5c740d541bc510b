/** JSON-RPC bodies as clients send them, in the shapes that a parser feels differently. */
export interface ParserBody {
  readonly name: string
  readonly bytes: Buffer
}

export const bodySizes = [1024, 64 * 1024] as const

/** Every shape, each as near to `size` bytes as its pieces allow. */
export function parserBodies(size: number): readonly ParserBody[] {
  return shapes.map(({ name, piece }) => ({ name, bytes: toolsCall(grow(size - envelope, piece)) }))
}

const envelope = toolsCall({}).length

type Piece = (at: number) => unknown

const shapes: readonly { readonly name: string; readonly piece: Piece }[] = [
  { name: 'mixed', piece: mixed },
  { name: 'manifest', piece: manifest },
  { name: 'small members', piece: at => at },
  { name: 'numbers', piece: at => [at, -at, at * 1.5, at * 1_000_003, at % 2 === 0] },
  { name: 'non-ASCII', piece: at => `Příliš žluťoučký kůň úpěl ďábelské ódy, ${at}krát: 日本語 😀` },
]

function mixed(at: number): unknown {
  return {
    name: `item-${at}`,
    labels: { app: 'web', tier: 'backend', 'app.kubernetes.io/part-of': 'shop' },
    replicas: at % 7,
    weight: at / 8,
    enabled: at % 2 === 0,
    note: 'A sentence of ordinary length, as people write them into a form.',
    ports: [{ containerPort: 8080, protocol: 'TCP' }, null],
  }
}

/** A Kubernetes manifest as text: its line breaks and quotes are escapes in JSON. */
function manifest(at: number): unknown {
  return [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata:',
    `  name: "settings-${at}"`,
    '  namespace: shop',
    'data:',
    '  greeting: "hello, world"',
    '  path: C:\\shop',
    '---',
    '',
  ].join('\n')
}

/** As many pieces as fit; the manifest's go into one string. */
function grow(size: number, piece: Piece): Record<string, unknown> {
  const args: Record<string, unknown> = {}
  let text = ''
  let bytes = 0
  for (let at = 0; ; at++) {
    const one = piece(at)
    const cost = Buffer.byteLength(JSON.stringify({ [`member${at}`]: one })) - 1
    if (bytes + cost > size) break
    bytes += cost
    if (piece === manifest) text += one
    else args[`member${at}`] = one
  }
  return piece === manifest ? { resource: text } : args
}

function toolsCall(args: unknown): Buffer {
  const message = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'resources_create', arguments: args } }
  return Buffer.from(JSON.stringify(message))
}
