import type { Finding } from '../documents/finding.js'
import type { WatchedCollection } from '../kube/watched-collection.js'
import type { JsonObject } from '../protocol/json-value.js'
import { type ConfigMap, memberOf, type VersionedConfigMap, versionConfigMaps } from './config-map-versions.js'
import { holdsTests } from './holds-tests.js'
import type { PolicySource, SourceContents, SourceFile } from './source.js'

/**
 * ConfigMaps, keys of all of them, and bytes of all of them. What is more is not looked at at all. A mebibyte of policies as
 * people write them takes some 75 MiB of memory, and one written to take as much as it can thrice that: a pod has 512.
 */
export const configMapLimits = { objects: 500, files: 2000, bytes: 2 * 1024 * 1024 } as const

/** Bytes of one key. It is read in one go, in which no request is decided: one written to take long takes a second. */
export const configMapFileBytes = 256 * 1024

/** Kinds that ConfigMaps may hold unless the configuration says otherwise: those that cannot say who is who, or where. */
export const configMapKinds: readonly string[] = ['Grant', 'Guardrail', 'Enrichment']

/** Less than that of directories: whoever mounts files into the pod runs it. */
export const configMapTrust = 10

export interface ConfigMapSourceOptions {
  /** For messages and for telling sources apart. */
  readonly name: string
  readonly namespace: string
  /** What the names of its files begin with, unlike those of any other source. Default `ConfigMap/<namespace>`. */
  readonly place?: string
  /** Default Grant, Guardrail and Enrichment. */
  readonly kinds?: readonly string[]
  /** Default 10: less than directories (100), more than the shipped catalogues (0). */
  readonly trust?: number
  /** ConfigMaps of the namespace, by `namespace/name`. */
  readonly collection: Pick<WatchedCollection, 'objects' | 'generation' | 'freshness'>
  /** ConfigMaps that hold no policies whatever their labels say, such as our own status. Default none. */
  readonly except?: readonly string[]
}

/** Where a file of a ConfigMap source stands in the API server. */
export interface ConfigMapOrigin {
  readonly configMap: ConfigMap
  /** undefined: it is about the ConfigMap as a whole. */
  readonly key: string | undefined
}

export interface ConfigMapSource extends PolicySource {
  readonly namespace: string
  /** What the names of its files begin with; alone, it is the source as a whole. */
  readonly place: string
  /** By the names of files and of what findings are about, as of the last `read`. */
  readonly origins: ReadonlyMap<string, ConfigMapOrigin>
}

/**
 * The documents in ConfigMaps: each key of `data` that ends in .yaml or .yml is a file, `ConfigMap/<namespace>/<name>/<key>`.
 * Of ConfigMaps that are versions of one another the newest counts (config-map-versions.ts); their files keep their names
 * from version to version, so that what is broken in the next keeps its last good version from the one before.
 *
 * Before the collection was listed once nothing is known of what it holds, and what it held before stays in force. The
 * same if there is more than the limits: 500 ConfigMaps, 2000 keys, 2 MiB.
 */
export function createConfigMapSource(options: ConfigMapSourceOptions): ConfigMapSource {
  const { name, namespace, kinds = configMapKinds, trust = configMapTrust, collection, except = [] } = options
  const { place = `ConfigMap/${namespace}` } = options
  let origins: ReadonlyMap<string, ConfigMapOrigin> = new Map()
  const lost = (message: string, hint?: string): SourceContents => {
    origins = new Map()
    return { files: [], findings: [found('error', place, message, hint)], lost: true }
  }
  return {
    name,
    namespace,
    place,
    trust,
    kinds: new Set(kinds),
    atomic: true,
    get origins() {
      return origins
    },
    fingerprint: () => `${collection.freshness().synced}\0${collection.generation}`,
    read() {
      const { synced, problem } = collection.freshness()
      if (!synced) return lost(`the ConfigMaps could not be listed yet${problem === '' ? '' : `: ${problem}`}`)
      if (collection.objects.size > configMapLimits.objects)
        return lost(`there are more than ${configMapLimits.objects} ConfigMaps`, 'put several policies into one')
      const configMaps = [...collection.objects.values()].flatMap(object => readConfigMap(namespace, object))
      const contents = collect(place, versionConfigMaps(configMaps.filter(one => !except.includes(one.name))))
      if (contents.files.length > configMapLimits.files)
        return lost(`the ConfigMaps have more than ${configMapLimits.files} keys`, 'put several policies into one key')
      const bytes = contents.files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
      if (bytes > configMapLimits.bytes)
        return lost(`the ConfigMaps hold more than ${configMapLimits.bytes} bytes`, 'delete what is not needed')
      origins = contents.origins
      return { files: contents.files, findings: contents.findings }
    },
  }
}

function readConfigMap(namespace: string, object: JsonObject): readonly ConfigMap[] {
  const metadata = memberOf(object, 'metadata')
  const text = (field: string) => {
    const value = metadata?.get(field)
    return typeof value === 'string' ? value : ''
  }
  const name = text('name')
  if (name === '' || text('namespace') !== namespace) return []
  return [{ namespace, name, uid: text('uid'), resourceVersion: text('resourceVersion'), object }]
}

interface Collected {
  readonly files: SourceFile[]
  readonly findings: Finding[]
  readonly origins: Map<string, ConfigMapOrigin>
}

function collect(place: string, sets: readonly VersionedConfigMap[]): Collected {
  const collected: Collected = { files: [], findings: [], origins: new Map() }
  for (const set of sets) collectOne(place, set, collected)
  return collected
}

function collectOne(
  place: string,
  { name, newest, older }: VersionedConfigMap,
  { files, findings, origins }: Collected,
): void {
  const about = (configMap: ConfigMap, file: string, key?: string) => {
    origins.set(file, { configMap, key })
    return file
  }
  const parcel = `${place}/${name}`
  const data = memberOf(newest.object, 'data') ?? new Map<string, never>()
  let documents = 0
  for (const [key, text] of [...data].sort(byKey)) {
    if (typeof text === 'string' && holdsTests(key, text)) continue
    if (!isFileName(key)) {
      const hint = 'end the key in .yaml if it holds policies'
      findings.push(
        found('warning', about(newest, `${parcel}/${key}`, key), 'keys of another ending are not read', hint),
      )
    } else if (typeof text === 'string' && Buffer.byteLength(text) > configMapFileBytes) {
      documents++
      findings.push(found('error', about(newest, `${parcel}/${key}`, key), tooLarge.message, tooLarge.hint))
    } else if (typeof text === 'string') {
      documents++
      files.push({ name: about(newest, `${parcel}/${key}`, key), text, parcel })
    }
  }
  for (const [key] of [...(memberOf(newest.object, 'binaryData') ?? [])].sort(byKey)) {
    const file = about(newest, `${parcel}/${key}`, key)
    if (!isFileName(key)) findings.push(found('warning', file, 'binaryData is not read'))
    else {
      documents++
      findings.push(found('error', file, 'stands in binaryData, so it is not UTF-8 text', 'save the file as UTF-8'))
    }
  }
  if (documents === 0) {
    const hint = 'put each file of policies under a key of data that ends in .yaml'
    findings.push(found('warning', about(newest, parcel), 'holds no policies', hint))
  }
  for (const one of older) {
    const file = about(one, `${place}/${one.name}`)
    const message = `is an older version of the ConfigMap ${newest.name}, and does not count any more`
    findings.push(found('warning', file, message, 'delete it'))
  }
}

/** What is said of a key that is larger than `configMapFileBytes`. */
export const tooLarge = { message: 'is larger than 256 KiB', hint: 'split it into several keys' } as const

function isFileName(key: string): boolean {
  return key.endsWith('.yaml') || key.endsWith('.yml')
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function found(severity: Finding['severity'], file: string, message: string, hint?: string): Finding {
  const location = { file, document: 1, line: 1, column: 1 }
  return { severity, location, subject: '', path: '', message, hint }
}
