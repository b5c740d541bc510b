import type { Question, Reply, Review, RuleField, RuleInfo } from './question.js'

/** Everything in which two replies differ, in words; what is wrong with a refused object may be said differently. */
export function compareReplies(question: Question, kubernetes: Reply, ours: Reply): readonly string[] {
  const differences: string[] = []
  for (const [at, object] of question.objects.entries()) {
    const theirs = kubernetes.refused[at] ?? '?'
    const mine = ours.refused[at] ?? '?'
    if ((theirs === '') === (mine === '')) continue
    const verdict = (why: string) => (why === '' ? 'accepts' : `refuses (${why})`)
    differences.push(`Kubernetes ${verdict(theirs)}, we: ${verdict(mine)}: ${JSON.stringify(object)}`)
  }
  for (const [at, request] of question.requests.entries()) {
    const { allowed, reason, error = '' } = kubernetes.answers[at] ?? { allowed: false, reason: '?' }
    const mine = ours.answers[at]
    if (mine?.allowed === allowed && mine.reason === reason && error === '') continue
    differences.push(`${JSON.stringify(request)}: Kubernetes ${allowed} ${reason} ${error}, we ${JSON.stringify(mine)}`)
  }
  const [theirs, mine] = [normalise(kubernetes.review), normalise(ours.review)]
  if (theirs !== mine)
    differences.push(`review of ${JSON.stringify(question.requests[0])}: Kubernetes ${theirs}, we ${mine}`)
  return differences
}

/** The order of the rules of an aggregated role is not one that matters, nor is it an empty list or none. */
function normalise(review: Review | undefined): string {
  const rules = (list: readonly RuleInfo[] | null | undefined) => (list ?? []).map(text).sort()
  const text = (rule: RuleInfo) => JSON.stringify(fields.map(field => rule[field] ?? []))
  return JSON.stringify([rules(review?.resource), rules(review?.nonResource), review?.incomplete, review?.error])
}

const fields: readonly RuleField[] = ['Verbs', 'APIGroups', 'Resources', 'ResourceNames', 'NonResourceURLs']
