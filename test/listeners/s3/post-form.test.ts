/** The file of a posted form that is too large to be read whole, by itself: what of it goes on, and when. */
import { expect, test } from 'vitest'
import { PostForm } from '../../../listeners/s3/post-form.ts'

const FILE = 'the file '.repeat(10_000)
const FORM = Buffer.from(
  '--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n' +
    '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' +
    `${FILE}\r\n--b--\r\n`,
)

test.each([
  ['before the form is over', false],
  ['when it is over already', true],
])('a store that wants the file %s gets all of it, then its end', (_, late) => {
  const heard: string[] = []
  const form = new PostForm('b', 'bucket', FORM.length, 0, {
    onUpload: ({ key, length }) => heard.push(`${key} ${length}`),
    onPayload: bytes => heard.push(bytes.toString()),
    onChecked: () => heard.push('end'),
  })
  form.write(FORM)
  if (!late) form.wanted()
  form.end()
  if (late) form.wanted()
  expect([heard[0], heard.slice(1, -1).join(''), heard.at(-1)]).toEqual([`k ${FILE.length}`, FILE, 'end'])
})

test('what a form says of tags, encryption and locks becomes headers', () => {
  const tagging =
    '<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag><Tag><Key>c</Key><Value/></Tag></TagSet></Tagging>'
  const fields = {
    key: 'k',
    tagging,
    'x-amz-server-side-encryption-customer-algorithm': 'AES256',
    'x-amz-object-lock-mode': 'GOVERNANCE',
    'x-amz-meta-m': 'n',
    'x-other': 'left out',
  }
  const part = (name: string, text: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`
  const form = Buffer.from(
    `${Object.entries(fields)
      .map(([name, text]) => part(name, text))
      .join('')}${part('file', 'x')}--b--\r\n`,
  )
  let headers: readonly string[] = []
  const decoder = new PostForm('b', 'bucket', form.length, 0, {
    onUpload: upload => (headers = upload.headers),
    onPayload: () => {},
    onChecked: () => {},
  })
  decoder.write(form)
  decoder.end()
  expect(headers).toEqual([
    ...['x-amz-tagging', 'a%20b=1%262&c='],
    ...['x-amz-server-side-encryption-customer-algorithm', 'AES256'],
    ...['x-amz-object-lock-mode', 'GOVERNANCE', 'x-amz-meta-m', 'n'],
  ])
})
