/**
 * Templates of expressions by the type that they have, in groups that are chosen equally often. `{int}` stands for any
 * expression of that type, `{T}` in a group for each scalar type in turn, `{x: list(int)}` names the loop variable of a
 * macro, which is of that type in the braces after it.
 */
export type Forms = Readonly<Record<string, readonly (readonly string[])[]>>

export const timestamp = 'google.protobuf.Timestamp'
export const duration = 'google.protobuf.Duration'
export const ordered = ['int', 'uint', 'double', 'string', 'bytes', 'bool', timestamp, duration] as const
export const summed = ['int', 'uint', 'double', duration] as const

const each = (types: readonly string[], ...templates: readonly string[]): string[] =>
  types.flatMap(type => templates.map(template => template.replaceAll('{T', `{${type}`).replaceAll('(T)', `(${type})`)))

const inZone = (name: string): string[] => [`{${timestamp}}.${name}()`, `{${timestamp}}.${name}({zone})`]

const formats = [
  'dns1123Label',
  'dns1123Subdomain',
  'dns1035Label',
  'qualifiedName',
  'labelValue',
  'uri',
  'uuid',
  'byte',
]
const moreFormats = ['date', 'datetime', 'dns1123LabelPrefix', 'dns1123SubdomainPrefix', 'dns1035LabelPrefix']

const numbers = ['int', 'uint', 'double'] as const
const crossed = numbers.flatMap(left =>
  numbers
    .filter(right => right !== left)
    .flatMap(right => ['<', '<=', '>', '>='].map(op => `({${left}} ${op} {${right}})`)),
)

/**
 * cel-go takes what an optional holds for a Go value, and that loses optionals, types and values of libraries in it. There
 * is nothing to agree with then.
 */
const isPlain = (type: string): boolean => !/^optional_type|^type$|^net\.|^kubernetes\./.test(type)

/** What is the same for every type: choosing, indexing, optionals, the least and the greatest. */
export function generalForms(type: string): readonly (readonly string[])[] {
  const list = `list(${type})`
  const orders = ordered.some(one => one === type) ? [`{${list}}.min()`, `{${list}}.max()`] : []
  return [
    [`({bool} ? {${type}} : {${type}})`],
    [`{${list}}[{index}]`, ...orders],
    ...(isPlain(type) ? [[`{optional_type(${type})}.orValue({${type}})`, `{optional_type(${type})}.value()`]] : []),
    ...(summed.some(one => one === type) ? [[`{${list}}.sum()`]] : []),
  ]
}

export function listForms(element: string): readonly (readonly string[])[] {
  const list = `{list(${element})}`
  const isOrdered = ordered.some(one => one === element)
  return [
    [`[{${element}}, {${element}}]`, `[{${element}}]`, `[{${element}}, {${element}}, {${element}}]`],
    ...(isPlain(element) ? listsOfOptionals(element) : []),
    [`(${list} + ${list})`],
    [`${list}.filter({x:${element}}, {bool})`],
    ...['int', 'string'].map(from => [
      `{list(${from})}.map({x:${from}}, {${element}})`,
      `{list(${from})}.map({x:${from}}, {bool}, {${element}})`,
      `{list(${from})}.transformList({x:int}, {y:${from}}, {${element}})`,
      `{list(${from})}.transformList({x:int}, {y:${from}}, {bool}, {${element}})`,
      `{map(string, ${from})}.map({x:string}, {${element}})`,
    ]),
    [`${list}.slice({small}, {size})`, `${list}.reverse()`, `${list}.distinct()`],
    [`[${list}, ${list}].flatten()`],
    ...(isOrdered ? [[`${list}.sort()`], each(ordered, `${list}.sortBy({x:${element}}, {T})`)] : []),
  ]
}

function listsOfOptionals(element: string): readonly (readonly string[])[] {
  const optional = `{optional_type(${element})}`
  return [
    [`[?${optional}, {${element}}]`],
    [`[${optional}, ${optional}].unwrapOpt()`, `optional.unwrap([${optional}])`],
  ]
}

export function mapForms(key: string, value: string): readonly (readonly string[])[] {
  return [
    [`{{${key}}: {${value}}}`, `{{${key}}: {${value}}, ?{${key}}: {optional_type(${value})}}`],
    [
      `{map(${key}, ${value})}.transformMap({x:${key}}, {y:${value}}, {${value}})`,
      `{map(${key}, ${value})}.transformMap({x:${key}}, {y:${value}}, {bool}, {${value}})`,
      ...(key === 'int'
        ? [
            `{list(${value})}.transformMap({x:int}, {y:${value}}, {${value}})`,
            `{list(int)}.transformMapEntry({x:int}, {y:int}, {x: {${value}}})`,
          ]
        : []),
      `{map(${key}, int)}.transformMapEntry({x:${key}}, {y:int}, {x: {${value}}})`,
      `{map(${key}, int)}.transformMapEntry({x:${key}}, {y:int}, {bool}, {x: {${value}}})`,
    ],
  ]
}

export function optionalForms(value: string): readonly (readonly string[])[] {
  const optional = `{optional_type(${value})}`
  return [
    [`optional.of({${value}})`, `optional.ofNonZeroValue({${value}})`, 'optional.none()'],
    [`${optional}.or(${optional})`],
    [
      `{list(${value})}.first()`,
      `{list(${value})}.last()`,
      `{list(${value})}[?{index}]`,
      `{map(string, ${value})}[?{key}]`,
    ],
    [`{map(string, ${value})}.?{field}`],
    // Only of optionals that stand at the beginning: cel-go finds nothing in those that it comes to on its way.
    ...[value === 'int' ? 'maybeCounts' : `optional.of({map(string, ${value})})`].map(map => [
      `${map}.{field}`,
      `${map}[{key}]`,
      `${map}[?{key}]`,
      `${map}.?{field}`,
    ]),
    ...[value === 'string' ? 'maybeNames' : `optional.of({list(${value})})`].map(list => [
      `${list}[{index}]`,
      `${list}[?{index}]`,
    ]),
    ['int', 'string'].flatMap(from => [
      `{optional_type(${from})}.optMap({x:${from}}, {${value}})`,
      `{optional_type(${from})}.optFlatMap({x:${from}}, ${optional})`,
    ]),
  ]
}

export const forms: Forms = {
  bool: [
    ['!{bool}', '({bool} && {bool})', '({bool} || {bool})', '({bool} && {bool} && {bool})'],
    each(['int', 'string', 'uint', 'double'], '({T} == {T})', '({T} != {T})', '({T} < {T})', '({T} >= {T})'),
    each(ordered, '({T} < {T})', '({T} <= {T})', '({T} > {T})', '({T} >= {T})', '({T} == {T})', '({T} != {T})'),
    crossed,
    [
      'list(int)',
      'list(string)',
      'map(string, int)',
      'optional_type(int)',
      'list(list(int))',
      'dyn',
      'kubernetes.Quantity',
      'net.IP',
      'net.CIDR',
      'kubernetes.URL',
      'kubernetes.Semver',
      'type',
    ].flatMap(type => [`({${type}} == {${type}})`, `({${type}} != {${type}})`]),
    each(ordered, '({T} in {list(T)})'),
    [
      '({string} in {map(string, int)})',
      '({key} in {map(string, string)})',
      '({int} in {map(int, string)})',
      '({string} in ["a", "b", "app"])',
      '({int} in [1, 2, 3])',
      '({bool} in {map(bool, double)})',
    ],
    ['{string}.startsWith({string})', '{string}.endsWith({string})', '{string}.contains({string})'],
    ['{string}.matches({pattern})', 'matches({string}, {pattern})', '{string}.matches({string})'],
    each(
      ['int', 'string', 'double', timestamp],
      '{list(T)}.all({x:T}, {bool})',
      '{list(T)}.exists({x:T}, {bool})',
      '{list(T)}.exists_one({x:T}, {bool})',
    ),
    ['int', 'string'].flatMap(type => [
      `{list(${type})}.all({x:int}, {y:${type}}, {bool})`,
      `{list(${type})}.exists({x:int}, {y:${type}}, {bool})`,
      `{list(${type})}.existsOne({x:int}, {y:${type}}, {bool})`,
      `{map(string, ${type})}.all({x:string}, {bool})`,
      `{map(string, ${type})}.exists({x:string}, {y:${type}}, {bool})`,
      `{map(string, ${type})}.exists_one({x:string}, {bool})`,
      `{map(string, ${type})}.existsOne({x:string}, {y:${type}}, {bool})`,
      `{map(string, ${type})}.all({x:string}, {y:${type}}, {bool})`,
    ]),
    each(ordered, '{list(T)}.isSorted()'),
    each(
      ['int', 'string', 'double'],
      'sets.contains({list(T)}, {list(T)})',
      'sets.equivalent({list(T)}, {list(T)})',
      'sets.intersects({list(T)}, {list(T)})',
    ),
    [
      'bool({numeral})',
      'bool({bool})',
      '{dyn} == {int}',
      '{dyn} == {string}',
      '{dyn} > {int}',
      '{dyn} in {list(dyn)}',
      '{string} in {dyn}',
    ],
    ['has({paths})', 'has({map(string, int)}.{field})', 'has(maybeCounts.{field})', 'has(args.{argument})'],
    each(['int', 'string', 'list(string)'], '{optional_type(T)}.hasValue()'),
    [
      'isQuantity({amount})',
      'isIP({address})',
      'isCIDR({block})',
      'isURL({link})',
      'isSemver({release})',
      'isSemver({release}, {bool})',
      'ip.isCanonical({address})',
      'isQuantity({string})',
    ],
    ['isLessThan', 'isGreaterThan'].flatMap(name =>
      ['kubernetes.Quantity', 'kubernetes.Semver'].map(type => `{${type}}.${name}({${type}})`),
    ),
    [
      '{kubernetes.Quantity}.isInteger()',
      ...['isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast'].map(
        name => `{net.IP}.${name}()`,
      ),
    ],
    [
      '{net.CIDR}.containsIP({net.IP})',
      '{net.CIDR}.containsIP({address})',
      '{net.CIDR}.containsCIDR({net.CIDR})',
      '{net.CIDR}.containsCIDR({block})',
    ],
  ],
  int: [
    ['({int} + {int})', '({int} - {int})', '({int} * {int})', '({int} / {int})', '({int} % {int})', '-({int})'],
    ['size({string})', '{string}.size()', 'size({bytes})', '{bytes}.size()'],
    [
      ...each(['int', 'string', 'bool'], 'size({list(T)})', '{list(T)}.size()'),
      'size({map(string, int)})',
      '{map(string, string)}.size()',
    ],
    ['int({double})', 'int({uint})', 'int({numeral})', `int({${timestamp}})`, `int({${duration}})`, 'int({int})'],
    [
      '{string}.indexOf({string})',
      '{string}.lastIndexOf({string})',
      '{string}.indexOf({string}, {small})',
      '{string}.lastIndexOf({string}, {small})',
    ],
    each(['int', 'string', 'double'], '{list(T)}.indexOf({T})', '{list(T)}.lastIndexOf({T})'),
    [
      'getDate',
      'getDayOfMonth',
      'getDayOfWeek',
      'getDayOfYear',
      'getFullYear',
      'getHours',
      'getMilliseconds',
      'getMinutes',
      'getMonth',
      'getSeconds',
    ].flatMap(inZone),
    ['getHours', 'getMilliseconds', 'getMinutes', 'getSeconds'].map(name => `{${duration}}.${name}()`),
    [
      '{kubernetes.Quantity}.asInteger()',
      'sign({kubernetes.Quantity})',
      '{kubernetes.Quantity}.compareTo({kubernetes.Quantity})',
    ],
    [
      '{kubernetes.Semver}.major()',
      '{kubernetes.Semver}.minor()',
      '{kubernetes.Semver}.patch()',
      '{kubernetes.Semver}.compareTo({kubernetes.Semver})',
    ],
    ['{net.IP}.family()', '{net.CIDR}.prefixLength()'],
    [
      '{map(string, int)}[{key}]',
      '{map(string, int)}.{field}',
      '{list(map(string, int))}[{index}].{field}',
      '{list(list(int))}[{index}][{index}]',
    ],
  ],
  uint: [
    ['({uint} + {uint})', '({uint} - {uint})', '({uint} * {uint})', '({uint} / {uint})', '({uint} % {uint})'],
    ['uint({int})', 'uint({double})', 'uint({numeral})', 'uint({uint})'],
  ],
  double: [
    ['({double} + {double})', '({double} - {double})', '({double} * {double})', '({double} / {double})', '-({double})'],
    [
      'double({int})',
      'double({uint})',
      'double({numeral})',
      'double({double})',
      '{kubernetes.Quantity}.asApproximateFloat()',
    ],
  ],
  string: [
    ['({string} + {string})'],
    each(
      ['int', 'uint', 'double', 'bool', 'bytes', timestamp, duration, 'string', 'net.IP', 'net.CIDR'],
      'string({T})',
    ),
    [
      '{string}.charAt({small})',
      '{string}.substring({small})',
      '{string}.substring({small}, {size})',
      '{string}.trim()',
      '{string}.lowerAscii()',
      '{string}.upperAscii()',
    ],
    [
      '{string}.replace({string}, {string})',
      '{string}.replace({string}, {string}, {small})',
      'strings.quote({string})',
      '{list(string)}.join()',
      '{list(string)}.join({string})',
    ],
    [
      '"%s is %d".format([{string}, {int}])',
      '"%.2f, %s".format([{double}, {list(int)}])',
      '"%x %X %s".format([{int}, {string}, {bytes}])',
      '"%b|%o|%e".format([{int}, {uint}, {double}])',
      '"%s".format([{map(string, int)}])',
      '"%s %s".format([{google.protobuf.Timestamp}, {google.protobuf.Duration}])',
    ],
    ['{string}.find({pattern})', '{string}.find({string})'],
    ['getScheme', 'getHost', 'getHostname', 'getPort', 'getEscapedPath'].map(name => `{kubernetes.URL}.${name}()`),
    [
      '{map(string, string)}[{key}]',
      '{map(string, string)}.{field}',
      '{map(int, string)}[{int}]',
      'jsonpatch.escapeKey({string})',
    ],
  ],
  bytes: [['({bytes} + {bytes})'], ['bytes({string})', 'bytes({bytes})']],
  [timestamp]: [
    [`({${timestamp}} + {${duration}})`, `({${duration}} + {${timestamp}})`, `({${timestamp}} - {${duration}})`],
    ['timestamp({dated})', 'timestamp({int})', `timestamp({${timestamp}})`],
  ],
  [duration]: [
    [`({${duration}} + {${duration}})`, `({${duration}} - {${duration}})`, `({${timestamp}} - {${timestamp}})`],
    ['duration({dated})', `duration({${duration}})`],
  ],
  'list(int)': [
    [
      'lists.range({count})',
      '{list(dyn)}.flatten({small}).map({x:dyn}, {int})',
      '{list(list(int))}.flatten()',
      '{list(list(int))}[{index}]',
    ],
  ],
  'list(string)': [
    ['{string}.split({string})', '{string}.split({string}, {small})'],
    ['{string}.findAll({pattern})', '{string}.findAll({pattern}, {small})'],
    [
      '{map(string, list(string))}[{key}]',
      'format.named({formatName}).value().validate({string}).orValue({list(string)})',
    ],
  ],
  'list(dyn)': [
    ['[dyn({int}), {string}, {double}]', '{list(dyn)}.flatten({small})', '[dyn({list(int)}), {int}]'],
    ['{list(dyn)}.filter({x:dyn}, {bool})'],
  ],
  'optional_type(list(string))': [
    [...formats, ...moreFormats].map(name => `format.${name}().validate({string})`),
    ['format.named({formatName}).optFlatMap({x:kubernetes.NamedFormat}, x.validate({string}))'],
    ['{map(string, list(string))}.?{field}', '{map(string, list(string))}[?{key}]'],
  ],
  'map(string, list(string))': [['{kubernetes.URL}.getQuery()']],
  'kubernetes.Quantity': [
    ['quantity({amount})'],
    [
      '{kubernetes.Quantity}.add({kubernetes.Quantity})',
      '{kubernetes.Quantity}.add({int})',
      '{kubernetes.Quantity}.sub({kubernetes.Quantity})',
      '{kubernetes.Quantity}.sub({int})',
    ],
  ],
  'net.IP': [['ip({address})', '{net.CIDR}.ip()']],
  'net.CIDR': [['cidr({block})', '{net.CIDR}.masked()']],
  'kubernetes.URL': [['url({link})']],
  'kubernetes.Semver': [['semver({release})', 'semver({release}, {bool})']],
  type: [
    each(
      [
        'int',
        'uint',
        'double',
        'string',
        'bool',
        'bytes',
        timestamp,
        duration,
        'list(int)',
        'dyn',
        'net.IP',
        'optional_type(int)',
      ],
      'type({T})',
    ),
  ],
  dyn: [
    [
      'dyn({int})',
      'dyn({string})',
      'dyn({double})',
      'dyn({uint})',
      'dyn({list(int)})',
      'dyn({map(string, int)})',
      'dyn({bool})',
    ],
    [
      'args.{argument}',
      'args[{argumentKey}]',
      'user.{userField}',
      'args.containers[{index}].{containerField}',
      '{list(dyn)}[{index}]',
    ],
    [
      'args.?{argument}.orValue({int})',
      'args[?{argumentKey}].orValue({string})',
      'user.?claims.{field}.orValue({string})',
    ],
    ['({dyn} + {int})', '({dyn} * {int})', '({dyn} + {string})', '({bool} ? {dyn} : {dyn})'],
  ],
}

/** Types of what stands at `dyn`, as their paths hold it mostly. */
export const dynamicPaths: Readonly<Record<string, readonly string[]>> = {
  int: ['args.replicas', 'args.labels.size()', 'user.level', 'args.sizes[0]', 'args.containers[0].port'],
  double: ['args.ratio'],
  string: ['args.name', 'user.name', 'args.tags[0]', 'args.labels.app', 'args.containers[0].name', 'user.groups[1]'],
  bool: [
    'args.force',
    'args.sizes.all(x, x >= 0)',
    'args.containers.exists(c, c.port > 5000)',
    'args.tags.exists(t, t == "admin")',
  ],
  'list(int)': ['args.sizes', 'args.containers.map(c, c.port)'],
  'list(string)': ['args.tags', 'user.groups', 'args.containers.map(c, c.name)'],
  'list(dyn)': ['args.containers', 'args.any'],
  'map(string, string)': ['args.labels'],
}

/** What is not of a type but of a use: written literally most of the time. */
export const uses: Readonly<Record<string, readonly string[]>> = {
  index: ['0', '0', '0', '0', '0', '0', '1', '1', '5', '-1'],
  small: ['0', '1', '2', '3', '1', '2', '7', '-1', '{int}'],
  // No ints of any size: cel-go makes such a list, whatever it takes.
  count: ['0', '1', '3', '8', '-1', 'size(ints)', 'size(short)', 'size(args.tags)'],
  size: ['2', '3', '4', '5', '1', '9', '{int}', '{string}.size()'],
  key: ['"a"', '"b"', '"app"', '"name"', '"zone"', 's', 'short'],
  field: ['a', 'b', 'app', 'name', 'zone'],
  argument: ['replicas', 'ratio', 'name', 'force', 'note', 'tags', 'sizes', 'labels', 'containers', 'any', 'missing'],
  argumentKey: [
    '"replicas"',
    '"ratio"',
    '"name"',
    '"force"',
    '"note"',
    '"tags"',
    '"sizes"',
    '"labels"',
    '"missing"',
    'short',
  ],
  userField: ['name', 'groups', 'level', 'claims', 'missing'],
  containerField: ['name', 'port', 'env', 'missing'],
  paths: [
    'args.labels.app',
    'args.replicas',
    'user.claims.a',
    'user.missing',
    'args.note',
    'labels.a',
    'args.containers[0].env',
  ],
  zone: ['"UTC"', '"Europe/Berlin"', '"America/New_York"', '"+05:30"', '"-03:00"', 's'],
  pattern: ['"a"', '"^[a-z]+$"', '"[0-9]+"', '"(a|b)+"', '"^.*-1$"', '"\\\\pL+"', '"a*"', '"(?i)APP"', '"."', 'short'],
  formatName: ['"dns1123Label"', '"uuid"', '"labelValue"', '"nothing"', '"qualifiedName"', '"date"'],
  amount: ['amount', 'amount', 'amount2', '"1k"', '{string}'],
  address: ['address', 'address', '"10.0.0.1"', '{string}'],
  block: ['block', 'block', '"10.0.0.0/8"', '{string}'],
  link: ['link', 'link', 'link', '{string}'],
  release: ['release', 'release', 'release2', '"1.2.3"', '{string}'],
  dated: ['dated', 'dated', '{string}'],
  numeral: ['numeral', 'numeral', 'numeral', '{string}'],
}

export const literals: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  int: ['0', '1', '2', '3', '-1', '10', '100', '9223372036854775807'],
  uint: ['0u', '1u', '2u', '7u'],
  double: ['0.0', '1.0', '0.5', '-2.5', '1e300', '3.0'],
  string: ['""', '"a"', '"app"', '"admin"', '"-"', '"Ünï"', '"web-1"', '"the quick brown fox jumps"'],
  bytes: ['b""', 'b"a"', 'b"\\xff"', 'b"admin"'],
  dyn: ['null', 'dyn(1)', 'dyn("a")'],
  [timestamp]: ['timestamp("2024-02-29T12:30:45Z")', 'timestamp(0)'],
  [duration]: ['duration("90s")', 'duration("-1.5s")', 'duration("0s")'],
  'list(int)': ['[]', '[1, 2, 3]', '[0]'],
  'list(string)': ['[]', '["a", "b"]', '["admin"]'],
  'map(string, int)': ['{}', '{"a": 1}', '{"a": 1, "b": 2}'],
  'kubernetes.Quantity': ['quantity("1k")', 'quantity(amount)'],
  'net.IP': ['ip("10.0.0.1")', 'ip(address)'],
  'net.CIDR': ['cidr("10.0.0.0/8")', 'cidr(block)'],
  'kubernetes.URL': ['url("https://example.com/a?b=c")', 'url(link)'],
  'kubernetes.Semver': ['semver("1.2.3")', 'semver(release)'],
  'kubernetes.NamedFormat': ['format.uuid()', 'format.dns1123Label()'],
  type: ['int', 'string', 'list', 'google.protobuf.Timestamp', 'type', 'null_type', 'net.IP'],
}
