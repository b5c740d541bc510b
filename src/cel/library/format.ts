import { OptionalValue } from '../values/value.js'
import { isText } from './implement.js'
import type { FunctionOverload, Library } from './library.js'
import { NamedFormat, namedFormats } from './named-format.js'
import { isOf, priced1, priced2 } from './priced.js'

const isFormat = isOf(NamedFormat)

/** As matching a regular expression, of which Kubernetes knows the length only. */
const validatePrice = (format: NamedFormat, text: string): number =>
  Math.ceil((1 + text.length) / 10) * Math.ceil(format.patternLength / 4)

/** `format.dns1123Label()` and so on. */
const constants: readonly FunctionOverload[] = [...namedFormats].map(([name, format]) => ({
  id: `format.${name}`,
  signature: `format.${name}() -> kubernetes.NamedFormat`,
  call: () => format,
}))

/** `kubernetes.format` (Kubernetes 1.31): is a text a name, a date, …, and if not, why. */
export const formatLibrary: Library = {
  name: 'kubernetes.format',
  types: ['kubernetes.NamedFormat'],
  functions: [
    ...constants,
    {
      id: 'format-named',
      signature: 'format.named(string) -> optional_type(kubernetes.NamedFormat)',
      call: priced1(isText, name => new OptionalValue(namedFormats.get(name))),
    },
    {
      id: 'format-validate',
      signature: 'kubernetes.NamedFormat.validate(string) -> optional_type(list(string))',
      call: priced2(
        isFormat,
        isText,
        (format, text) => {
          const problems = format.check(text)
          return new OptionalValue(problems.length === 0 ? undefined : problems)
        },
        validatePrice,
      ),
    },
  ],
}
