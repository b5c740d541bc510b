/** What became of one document in a load. */
export interface DocumentState {
  readonly kind: string
  /** "" for kinds without names. */
  readonly name: string
  readonly file: string
  /** Which YAML document of the file, from 1. */
  readonly document: number
  /** Name of the source. */
  readonly source: string
  /**
   * loaded: as it stands. kept-last-good: an earlier version of it is in force. broken: nothing of it is in force, and
   * what it could restrict is denied. overridden: another document counts in its place.
   */
  readonly state: 'loaded' | 'kept-last-good' | 'broken' | 'overridden'
}
