/** Answers of Portolan's own: errors, as S3 writes them. */
import { encodeResponseLines } from '../../codecs/http1/index.ts'
import { type S3Error, XmlWriter } from '../../codecs/s3/index.ts'

export interface AnsweredRequest {
  readonly requestId: string
  /** Empty when it is not known. */
  readonly bucket: string
  readonly key: string
}

/** The `<Error>` document. */
export function errorDocument(error: S3Error, { requestId, bucket, key }: AnsweredRequest): Buffer {
  const document = new XmlWriter('Error', '').leaf('Code', error.code).leaf('Message', error.message)
  for (const [name, text] of Object.entries(error.fields)) document.leaf(name, text)
  if (bucket !== '' && error.fields['BucketName'] === undefined) document.leaf('BucketName', bucket)
  if (key !== '') document.leaf('Key', key)
  return document
    .leaf('Resource', `/${bucket}${key === '' ? '' : `/${key}`}`)
    .leaf('RequestId', requestId)
    .leaf('HostId', 'portolan')
    .finish()
}

/** The answer to whatever comes, with which the connection ends. */
export function lastWords(error: S3Error, requestId: string): Buffer {
  const document = errorDocument(error, { requestId, bucket: '', key: '' })
  const length = String(document.length)
  const headers = ['Content-Type', 'application/xml', 'Content-Length', length, 'Connection', 'close']
  return Buffer.concat([Buffer.from(`${encodeResponseLines(error.status, headers)}\r\n`, 'latin1'), document])
}
