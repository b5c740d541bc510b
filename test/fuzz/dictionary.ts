/** Pieces that parsers are known to differ about. */

export const protocolKeys = [
  ...['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'name', 'arguments', '_meta', 'uri', 'ref', 'type'],
  ...['taskId', 'task', 'cursor', 'argument', 'value', 'context', 'notifications', 'resourceSubscriptions', 'taskIds'],
  ...['io.modelcontextprotocol/protocolVersion', 'io.modelcontextprotocol/clientCapabilities', 'progressToken'],
  ...['protocolVersion', 'capabilities', 'clientInfo', 'namespace', 'inputResponses', 'requestState'],
]

/** JSON texts of keys. */
export const oddKeys = [
  ...['"__proto__"', '"constructor"', '"toString"', '""', '"\\u0000"', '"name\\u0000"', '"\\u005f_proto__"', '"Name"'],
  ...['"n\\u0061me"', '"argument\\u017f"', '"arguments "', '"\\ud800"', '"METHOD"', '"method\\n"', '"0"', '"-1"'],
  ...[
    '"param\u017f"',
    '"ta\u212a"',
    '"\\u212aey"',
    '"ID"',
    '"\\u0049d"',
    '"jsonRPC"',
    '"re\u017fult"',
    '"é"',
    '"e\u0301"',
  ],
]

export const numbers = [
  ...['0', '-0', '1', '-1', '7', '1.0', '1e0', '1E2', '10e-1', '0.1', '-0.0', '1e400', '-1e400', '1e-400', '01', '+1'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993', '9223372036854775807', '1.'],
  ...['9223372036854775808', '-9223372036854775808', '-9223372036854775809', '18446744073709551615', '.5', '1e'],
  ...['18446744073709551616', '99999999999999999999', '100000000000000000000', '0x10', '1_000', 'NaN', 'Infinity', '-'],
  ...['4.9e-324', '1.7976931348623157e308', '1.7976931348623159e308', '123456789012345', '1234567890123456', '1e+5'],
]

/** JSON texts of strings. */
export const strings = [
  ...['""', '"a"', '"2.0"', '"tools/call"', '"echo"', '"2026-07-28"', '"2025-11-25"', '"2025-06-18"', '"2027-01-01"'],
  ...['"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\/"', '"\\x41"', '"\\u00e9"', '"\\u00E9"'],
  ...[
    '"a\\"b"',
    '"\\\\"',
    '"\\\\\\""',
    '"é"',
    '"日本"',
    '"😀"',
    '"\ufffd"',
    '"\ufeff"',
    '"\u2028"',
    '"a\nb"',
    '"a\tb"',
  ],
  ...[
    '"file:///a"',
    '"file:///a/../b"',
    '"https://h/%2e"',
    '"k8s://ns/pod"',
    "'a'",
    '"tools\\u002fcall"',
    '"Echo"',
    '"echo "',
  ],
]

export const words = [
  'true',
  'false',
  'null',
  'True',
  'undefined',
  'nul',
  '[]',
  '{}',
  '[null]',
  '{"a":1}',
  '[[]]',
  '[1,]',
]

/** Bytes that stand for something to one reader and nothing to another. */
export const byteStrings: readonly (readonly number[])[] = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
  [0xfe, 0xff],
  [0x00],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0x80],
  [0xe2, 0x80, 0xa8],
  [0x0d, 0x0a],
  [0x1e],
  [0x7f],
  [0xc2, 0x85],
  [...Buffer.from('{"a":1}')],
  [...Buffer.from(',"method":"x"')],
  [...Buffer.from('"')],
  [...Buffer.from('\\')],
  [...Buffer.from('\\u')],
]
