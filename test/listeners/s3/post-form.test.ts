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
