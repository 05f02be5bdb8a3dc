/** Whose everything is: the store knows one owner only. */
import type { XmlWriter } from '../../../../codecs/s3/index.ts'

/** An id in the form of AWS's canonical user ids. */
export const OWNER = { id: '706f72746f6c616e'.padEnd(64, '0'), name: 'portolan' } as const

export function writeOwner(document: XmlWriter, element: 'Owner' | 'Initiator'): void {
  document.open(element).leaf('ID', OWNER.id).leaf('DisplayName', OWNER.name).close()
}
