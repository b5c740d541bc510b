import { examples } from './function-example.js'

export const jsonPatchExamples = examples([
  [
    'jsonpatch.escapeKey(string) -> string',
    'A key as one step of a JSON Pointer.',
    "'/metadata/labels/' + jsonpatch.escapeKey('k8s.io/my~label')",
    "'/metadata/labels/k8s.io~1my~0label'",
  ],
])
