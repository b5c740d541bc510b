import { cidrLibrary } from './library/cidr.js'
import { encoders } from './library/encoders.js'
import { formatLibrary } from './library/format.js'
import { ipLibrary } from './library/ip.js'
import { jsonPatchLibrary } from './library/jsonpatch.js'
import { kubernetesLists, listIncludes } from './library/kubernetes-lists.js'
import type { Library } from './library/library.js'
import { lists } from './library/lists.js'
import { math } from './library/math.js'
import { optionals } from './library/optionals.js'
import { quantityLibrary } from './library/quantity.js'
import { kubernetesRegex } from './library/regex.js'
import { semverLibrary } from './library/semver.js'
import { sets } from './library/sets.js'
import { standard } from './library/standard.js'
import { kubernetesStrings } from './library/strings.js'
import { urlLibrary } from './library/url.js'

/**
 * What expressions of a version may call. A set never changes once it was released: what a policy means must not change
 * under it. `mcp-authz/v1` is Kubernetes 1.36 without the authorizer, and with `includes`, `math` and `encoders`.
 */
export const librarySets: Readonly<Record<'mcp-authz/v1', readonly Library[]>> = {
  'mcp-authz/v1': [
    standard,
    optionals,
    urlLibrary,
    kubernetesRegex,
    kubernetesLists,
    { name: 'includes', functions: [listIncludes] },
    kubernetesStrings,
    quantityLibrary,
    sets,
    ipLibrary,
    cidrLibrary,
    formatLibrary,
    semverLibrary,
    jsonPatchLibrary,
    lists,
    math,
    encoders,
  ],
}

export type LibrarySet = keyof typeof librarySets
