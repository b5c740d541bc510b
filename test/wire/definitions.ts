import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const published = join(root, 'node_modules/@grpc/grpc-js-xds/deps')

/** Our trimmed definitions, read from proto/. */
export function ourDefinitions(): protobuf.Root {
  return load([join(root, 'proto')])
}

/** The definitions that Envoy publishes, as another package brings them along. */
export function publishedDefinitions(): protobuf.Root {
  const directories = ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map(name => join(published, name))
  return load([...directories, join(root, 'node_modules/protobufjs')])
}

function load(directories: readonly string[]): protobuf.Root {
  const definitions = new protobuf.Root()
  definitions.resolvePath = (_origin, target) =>
    directories.map(directory => join(directory, target)).find(file => existsSync(file)) ?? target
  definitions.loadSync('envoy/service/auth/v3/external_auth.proto')
  definitions.resolveAll()
  return definitions
}

/** Every message that a message can hold, itself included. */
export function reachable(type: protobuf.Type, seen = new Set<protobuf.Type>()): ReadonlySet<protobuf.Type> {
  if (seen.has(type)) return seen
  seen.add(type)
  for (const field of type.fieldsArray) {
    if (field.resolvedType instanceof protobuf.Type) reachable(field.resolvedType, seen)
  }
  return seen
}
