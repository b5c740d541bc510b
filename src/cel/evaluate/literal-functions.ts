/**
 * Functions whose constant arguments can be wrong, so that it shows at load: Kubernetes' validators of literals, and the
 * conversions that cel-go works out when it makes a program (`int("x")`).
 */
export const literalFunctions: ReadonlySet<string> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'string',
  'timestamp',
  'uint',
])
