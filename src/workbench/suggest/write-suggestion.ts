import { Document, isMap, isNode, isSeq } from 'yaml'
import { safeText } from '../../decision/safe-text.js'
import type { SuggestedDocument } from './suggested-document.js'

const longestComment = 400
/** Lists of so few short texts stand on one line. */
const shortList = 60

/** One document as YAML, with its comments; ends with a line end. */
export function writeDocument({ value, comments, notes }: SuggestedDocument): string {
  // Other readers of YAML take `on` and `012` for more than texts.
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false })
  if (comments.length > 0 && isMap(document.contents))
    document.contents.commentBefore = comments.map(commentOf).join('\n')
  for (const { path, text } of notes) {
    const node = document.getIn(path, true)
    if (!isNode(node)) continue
    if (isMap(node)) node.commentBefore = commentOf(text)
    else node.comment = commentOf(text)
  }
  compact(document.contents)
  return document.toString({ lineWidth: 0, flowCollectionPadding: true })
}

function commentOf(text: string): string {
  return ` ${safeText(text, longestComment)}`
}

/** Short lists without comments on one line. */
function compact(node: unknown): void {
  if (isMap(node)) for (const { value } of node.items) compact(value)
  if (!isSeq(node)) return
  for (const item of node.items) compact(item)
  const plain = node.items.every(item => isNode(item) && !isMap(item) && !isSeq(item) && item.comment == null)
  if (plain && JSON.stringify(node.toJSON()).length <= shortList) node.flow = true
}

/** Documents of one file. */
export function writeDocuments(documents: readonly SuggestedDocument[], heading: readonly string[]): string {
  const head = heading.map(line => `#${commentOf(line)}\n`).join('')
  return head + documents.map(writeDocument).join('---\n')
}
