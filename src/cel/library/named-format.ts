import { Opaque } from '../values/value.js'
import { checkDate, checkDateTime } from './date-formats.js'
import {
  asPrefix,
  checkDns1035Label,
  checkDns1123Label,
  checkDns1123Subdomain,
  checkLabelValue,
  checkQualifiedName,
  type NameCheck,
} from './kubernetes-names.js'
import { parseRequestUri } from './parse-url.js'
import { quoteBytes, toBytes } from './percent-encoding.js'

/** `kubernetes.NamedFormat`. */
export class NamedFormat extends Opaque {
  readonly type = 'kubernetes.NamedFormat'
  readonly name: string
  readonly check: NameCheck
  /** Characters of the regular expression that Kubernetes counts for the format when it asks for the cost. */
  readonly patternLength: number

  constructor(name: string, check: NameCheck, patternLength: number) {
    super()
    this.name = name
    this.check = check
    this.patternLength = patternLength
  }

  override equals(other: Opaque): boolean {
    return other instanceof NamedFormat && this.name === other.name
  }
}

const uuid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** The standard alphabet, with padding; an empty text is none. */
const isBase64 = (text: string): boolean =>
  text !== '' && text.length % 4 === 0 && /^[A-Za-z0-9+/]*$/.test(text.replace(/={1,2}$/, ''))

const checkUri: NameCheck = text => {
  const parsed = parseRequestUri(text)
  return parsed.ok ? [] : [`parse ${quoteBytes(toBytes(text))}: ${parsed.problem}`]
}

const or =
  (isValid: (text: string) => boolean, problem: string): NameCheck =>
  text =>
    isValid(text) ? [] : [problem]

/** By the name that `format.named` knows; apiserver `ConstantFormats`. */
export const namedFormats: ReadonlyMap<string, NamedFormat> = new Map(
  [
    new NamedFormat('dns1123Label', checkDns1123Label, 30),
    new NamedFormat('dns1123Subdomain', checkDns1123Subdomain, 60),
    new NamedFormat('dns1035Label', checkDns1035Label, 30),
    new NamedFormat('qualifiedName', checkQualifiedName, 60),
    new NamedFormat('dns1123LabelPrefix', asPrefix(checkDns1123Label), 30),
    new NamedFormat('dns1123SubdomainPrefix', asPrefix(checkDns1123Subdomain), 60),
    new NamedFormat('dns1035LabelPrefix', asPrefix(checkDns1035Label), 30),
    new NamedFormat('labelValue', checkLabelValue, 40),
    new NamedFormat('uri', checkUri, 1103),
    new NamedFormat(
      'uuid',
      or(text => uuid.test(text), 'does not match the UUID format'),
      84,
    ),
    new NamedFormat('byte', or(isBase64, 'invalid base64'), 84),
    new NamedFormat('date', or(checkDate, 'invalid date'), 84),
    new NamedFormat('datetime', or(checkDateTime, 'invalid datetime'), 84),
  ].map(format => [format.name, format]),
)
