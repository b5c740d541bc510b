import { examples } from './function-example.js'

export const formatExamples = examples([
  [
    'format.dns1123Label() -> kubernetes.NamedFormat',
    'Lower-case letters, digits and dashes, at most 63: the name of a namespace.',
    "format.dns1123Label().validate('my.name').value()",
    "['must not contain dots']",
  ],
  [
    'format.dns1123LabelPrefix() -> kubernetes.NamedFormat',
    'The same; it may end in a dash.',
    "format.dns1123LabelPrefix().validate('my-').hasValue()",
    'false',
  ],
  [
    'format.dns1123Subdomain() -> kubernetes.NamedFormat',
    'Such labels with dots between them, at most 253 characters: the name of most objects.',
    "format.dns1123Subdomain().validate('apiextensions.k8s.io').hasValue()",
    'false',
  ],
  [
    'format.dns1123SubdomainPrefix() -> kubernetes.NamedFormat',
    'The same; it may end in a dash.',
    "format.dns1123SubdomainPrefix().validate('my.name-').hasValue()",
    'false',
  ],
  [
    'format.dns1035Label() -> kubernetes.NamedFormat',
    'A label that begins with a letter: the name of a Service.',
    "format.dns1035Label().validate('1st').hasValue()",
    'true',
  ],
  [
    'format.dns1035LabelPrefix() -> kubernetes.NamedFormat',
    'The same; it may end in a dash.',
    "format.dns1035LabelPrefix().validate('first-').hasValue()",
    'false',
  ],
  [
    'format.qualifiedName() -> kubernetes.NamedFormat',
    'The key of a label: a name, with or without a DNS prefix.',
    "format.qualifiedName().validate('example.com/MyName').hasValue()",
    'false',
  ],
  [
    'format.labelValue() -> kubernetes.NamedFormat',
    'The value of a label; it may be empty.',
    "format.labelValue().validate('my_value').hasValue()",
    'false',
  ],
  [
    'format.uri() -> kubernetes.NamedFormat',
    'What `isURL` accepts.',
    "format.uri().validate('path').value()",
    '[\'parse "path": invalid URI for request\']',
  ],
  [
    'format.uuid() -> kubernetes.NamedFormat',
    'A UUID; dashes may be missing.',
    "format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue()",
    'false',
  ],
  [
    'format.byte() -> kubernetes.NamedFormat',
    'Standard base64 with padding, not empty.',
    "format.byte().validate('aGVsbG8').value()",
    "['invalid base64']",
  ],
  [
    'format.date() -> kubernetes.NamedFormat',
    'A day that exists, as 2006-01-02.',
    "format.date().validate('2021-02-29').value()",
    "['invalid date']",
  ],
  [
    'format.datetime() -> kubernetes.NamedFormat',
    'A date and a time with a zone (RFC 3339).',
    "format.datetime().validate('2021-01-01T00:00:00Z').hasValue()",
    'false',
  ],
  [
    'format.named(string) -> optional_type(kubernetes.NamedFormat)',
    'The format of that name, if there is one.',
    "format.named('dns1123label').hasValue()",
    'false',
  ],
  [
    'kubernetes.NamedFormat.validate(string) -> optional_type(list(string))',
    'Nothing for a text of the format, else what is wrong with it.',
    "format.uuid().validate('x')",
    "optional.of(['does not match the UUID format'])",
  ],
])
