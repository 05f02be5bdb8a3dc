/** What the operations table says of one operation. */
export interface Operation {
  /** As AWS names it, such as `PutObject`; `Unknown` for what the table does not have: it passes all the same. */
  readonly name: string
  /** What a policy must allow for it. */
  readonly access: 'read' | 'list' | 'write' | 'delete' | 'admin'
  /** What the request carries: an object's bytes, a small XML or other document, or nothing. */
  readonly body: 'object' | 'document' | 'none'
  /** AWS refuses the document without a checksum or Content-MD5. */
  readonly requiresChecksum: boolean
}
