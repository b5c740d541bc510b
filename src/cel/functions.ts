/** Types as the checker sees them; what lists and maps hold is always `dyn`. */
export type StaticType =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'null'
  | 'type'
  | 'dyn'

export interface Overload {
  readonly target: StaticType | undefined
  readonly args: readonly StaticType[]
  readonly result: StaticType
}

/**
 * Everything an expression can call: the standard library (cel-spec langdef.md), the strings extension as Kubernetes
 * has it, and the Kubernetes list and regex libraries. `a.f(b): c` is a method, `f(a): b` a function.
 */
const table = `
!_(bool): bool
-_(int): int; -_(double): double
_+_(int,int): int; _+_(uint,uint): uint; _+_(double,double): double; _+_(string,string): string; _+_(bytes,bytes): bytes
_+_(list,list): list; _+_(timestamp,duration): timestamp; _+_(duration,timestamp): timestamp; _+_(duration,duration): duration
_-_(int,int): int; _-_(uint,uint): uint; _-_(double,double): double
_-_(timestamp,timestamp): duration; _-_(timestamp,duration): timestamp; _-_(duration,duration): duration
_*_(int,int): int; _*_(uint,uint): uint; _*_(double,double): double
_/_(int,int): int; _/_(uint,uint): uint; _/_(double,double): double
_%_(int,int): int; _%_(uint,uint): uint
_[_](list,int): dyn; _[_](list,uint): dyn; _[_](list,double): dyn; _[_](map,dyn): dyn
@in(dyn,list): bool; @in(dyn,map): bool
size(string): int; size(bytes): int; size(list): int; size(map): int
string.size(): int; bytes.size(): int; list.size(): int; map.size(): int
string.contains(string): bool; string.startsWith(string): bool; string.endsWith(string): bool
string.matches(string): bool; matches(string,string): bool; string.find(string): string
string.charAt(int): string; string.indexOf(string): int; string.indexOf(string,int): int
string.lastIndexOf(string): int; string.lastIndexOf(string,int): int; string.lowerAscii(): string; string.upperAscii(): string
string.replace(string,string): string; string.replace(string,string,int): string
string.split(string): list; string.split(string,int): list; string.substring(int): string; string.substring(int,int): string
string.trim(): string; string.format(list): string; strings.quote(string): string; list.join(): string; list.join(string): string
list.max(): dyn; list.min(): dyn; list.sum(): dyn; list.isSorted(): bool
list.indexOf(dyn): int; list.lastIndexOf(dyn): int; list.includes(dyn): bool
int(int): int; int(uint): int; int(double): int; int(string): int; int(timestamp): int; int(duration): int
uint(uint): uint; uint(int): uint; uint(double): uint; uint(string): uint
double(double): double; double(int): double; double(uint): double; double(string): double
bool(bool): bool; bool(string): bool; bytes(bytes): bytes; bytes(string): bytes
string(string): string; string(bool): string; string(int): string; string(uint): string; string(double): string
string(bytes): string; string(timestamp): string; string(duration): string
timestamp(timestamp): timestamp; timestamp(string): timestamp; timestamp(int): timestamp
duration(duration): duration; duration(string): duration
type(dyn): type; dyn(dyn): dyn
${['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'].map(name => `timestamp.${name}(string): int`).join('\n')}
duration.getHours(): int; duration.getMinutes(): int; duration.getSeconds(): int; duration.getMilliseconds(): int
`

const comparable: readonly StaticType[] = ['bool', 'string', 'bytes', 'timestamp', 'duration']
const numeric: readonly StaticType[] = ['int', 'uint', 'double']

function parseTable(text: string): Map<string, Overload[]> {
  const found = new Map<string, Overload[]>()
  for (const entry of text.split(/[;\n]/)) {
    const match = /^(?:(string|bytes|list|map|timestamp|duration)\.)?(\S+?)\(([a-z,]*)\): (\w+)$/.exec(entry.trim())
    if (match === null) continue
    const [, target, name = '', args = '', result = ''] = match
    const overload: Overload = {
      target: target === undefined ? undefined : staticType(target),
      args: args === '' ? [] : args.split(',').map(staticType),
      result: staticType(result),
    }
    found.set(name, [...(found.get(name) ?? []), overload])
  }
  for (const name of ['_<_', '_<=_', '_>_', '_>=_']) {
    const pairs = [
      ...comparable.map(type => [type, type] as const),
      ...numeric.flatMap(a => numeric.map(b => [a, b] as const)),
    ]
    found.set(
      name,
      pairs.map(args => ({ target: undefined, args, result: 'bool' })),
    )
  }
  return found
}

const types: readonly StaticType[] = [...comparable, ...numeric, 'list', 'map', 'null', 'type', 'dyn']

function staticType(name: string): StaticType {
  const type = types.find(candidate => candidate === name)
  if (type === undefined) throw new Error(`unknown type in the function table: ${name}`)
  return type
}

export const functions: ReadonlyMap<string, readonly Overload[]> = parseTable(table)
/** Names of types, usable as values: `type(x) == int`. */
export const typeNames: ReadonlySet<string> = new Set([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
])
