import type { Authorizer } from './authorizer.js'
import type { EmbeddedAuthorizer } from './embedded-authorizer.js'
import type { WatchedAuthorizer } from './watched-authorizer.js'

/**
 * The RBAC objects behind an authorizer, where it holds them: it can then say what would be allowed for some value of what is
 * not known yet. undefined of one that asks an API server, and of a watch that knows nothing now. Do not keep it.
 */
export function embeddedOf(authorizer: Authorizer): EmbeddedAuthorizer | undefined {
  if (isEmbedded(authorizer)) return authorizer
  return isWatched(authorizer) ? authorizer.embedded() : undefined
}

function isEmbedded(authorizer: Authorizer): authorizer is EmbeddedAuthorizer {
  return 'namespacesWhere' in authorizer && 'mayAllow' in authorizer
}

function isWatched(authorizer: Authorizer): authorizer is WatchedAuthorizer {
  return 'embedded' in authorizer && typeof authorizer.embedded === 'function'
}
