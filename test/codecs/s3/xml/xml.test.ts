import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../../codecs/codec.ts'
import { parseXml, rewriteText, type XmlElement, XmlWriter } from '../../../../codecs/s3/index.ts'

type Tree = string | { [name: string]: Tree | Tree[] }

const parse = (text: string, limits = {}) => parseXml(Buffer.from(text), limits)

function tree(element: XmlElement): Tree {
  if (element.children.length === 0) return element.text
  const all: { [name: string]: Tree | Tree[] } = {}
  for (const { name } of element.children) {
    const same = element.all(name).map(tree)
    all[name] = same.length === 1 ? same[0]! : same
  }
  return all
}

describe('reading', () => {
  test.each<[text: string, name: string, expected: Tree]>([
    ['<a/>', 'a', ''],
    ['<a></a>', 'a', ''],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<a>b</a>\n', 'a', 'b'],
    ["<?xml version='1.0' encoding='utf-8' standalone='yes' ?><a>b</a>", 'a', 'b'],
    ['\ufeff<a>b</a>', 'a', 'b'],
    ['<!-- x --><a><!-- <b> --><c>1</c><c>2</c></a><!-- y -->', 'a', { c: ['1', '2'] }],
    ['<a xmlns="http://s3.amazonaws.com/doc/2006-03-01/" b = \'c"\'><d>e</d></a>', 'a', { d: 'e' }],
    ['<x:a xmlns:x="urn:y"><x:b>c</x:b></x:a>', 'a', { b: 'c' }],
    ['<a>&lt;&gt;&amp;&quot;&apos;&#13;&#x1F600;&#x1;</a>', 'a', '<>&"\'\r\u{1f600}\u0001'],
    ['<a>&amp;amp;</a>', 'a', '&amp;'],
    ['<a>b<![CDATA[<&>]]>c</a>', 'a', 'b<&>c'],
    ['<a>\r\n \r</a>', 'a', '\n \n'],
    ['<a>\u00e9\u{1f600}</a >', 'a', '\u00e9\u{1f600}'],
  ])('%s', (text, name, expected) => {
    const root = parse(text)
    expect(root.name).toBe(name)
    expect(tree(root)).toEqual(expected)
  })

  test.each([
    '',
    ' ',
    'a',
    '<a>',
    '</a>',
    '<a></b>',
    '<a><b></a></b>',
    '<a/><b/>',
    '<a/>b',
    'b<a/>',
    '<a',
    '<a b></a>',
    '<a b=c></a>',
    '<a b="<"></a>',
    '< a/>',
    '<1/>',
    '<a>&b;</a>',
    '<a>&nbsp;</a>',
    '<a>&toString;</a>',
    '<a>&</a>',
    '<a>&lt</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<a><!-- ></a>',
    '<a><![CDATA[</a>',
    '<![CDATA[a]]><a/>',
    '<a/><?php ?>',
    '<?xml version="1.0" encoding="utf-16"?><a/>',
    '<?xml?><a/>',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    '<a><!DOCTYPE b></a>',
  ])('refuses %s', text => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'ProtocolError', kind: 'MalformedXML' }))
  })

  test('refuses what is no UTF-8', () => {
    expect(() => parseXml(Buffer.from('<a>\xff</a>', 'latin1'))).toThrow(/UTF-8/)
  })

  test.each<[what: RegExp, text: string, limits: object]>([
    [/10 bytes/, '<a>123</a>', { maxBytes: 10 }],
    [/deeper than 3/, '<a><b><c/></b></a>', { maxDepth: 3 }],
    [/more than 4 elements/, '<a><b/><b/><b/></a>', { maxElements: 4 }],
  ])('is bounded: %s', (what, text, limits) => {
    expect(parse(text, limits).name).toBe('a')
    expect(() => parse(text.replace('</a>', '<b><b><b><b/></b></b></b></a>'), limits)).toThrow(what)
  })

  test('by default within 1 MiB and 20 levels', () => {
    expect(() => parse(`<a>${'b'.repeat(1024 * 1024)}</a>`)).toThrow(/1048576 bytes/)
    expect(() => parse('<a>'.repeat(21) + '</a>'.repeat(21))).toThrow(/deeper than 20/)
  })

  test('ends in an element or a ProtocolError, whatever comes', () => {
    const pieces = fc.constantFrom(
      '<a>',
      '</a>',
      '<a/>',
      '<b c="d">',
      '</b>',
      '&lt;',
      '&',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      'x',
      ' ',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces).map(all => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        text => {
          try {
            parse(text)
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError)
          }
        },
      ),
    )
  })
})

describe('writing', () => {
  test('as S3 does', () => {
    const writer = new XmlWriter('ListBucketResult')
    writer
      .leaf('Name', 'a&b')
      .leaf('Prefix', '')
      .leaf('Marker', undefined)
      .leaf('MaxKeys', 10)
      .leaf('IsTruncated', false)
    writer.open('Contents').leaf('ETag', '"e"').leaf('Key', 'a\r\n\t\u0001\u007f<>').close()
    expect(writer.finish().toString()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>a&amp;b</Name><Prefix/><MaxKeys>10</MaxKeys>' +
        '<IsTruncated>false</IsTruncated><Contents><ETag>&quot;e&quot;</ETag>' +
        '<Key>a&#13;\n\t&#x1;&#x7f;&lt;&gt;</Key></Contents></ListBucketResult>',
    )
  })

  test('what is written is read as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), keys => {
        const writer = new XmlWriter('Delete', '')
        for (const key of keys) writer.open('Object').leaf('Key', key).close()
        const objects = parseXml(writer.finish()).all('Object')
        expect(objects.map(object => object.textOf('Key'))).toEqual(keys.map(key => key))
      }),
    )
  })
})

describe('rewriting', () => {
  const document =
    '<?xml version="1.0"?>\n<R xmlns="urn:x"> <Name>a</Name><C><Key>p/x&amp;<!-- c -->y</Key><Size>1</Size></C>' +
    '<C ><Key ><![CDATA[p/<z>]]></Key ></C><Prefix/><Prefix></Prefix> </R>\n'

  test('replaces what it is told to and keeps the rest as it came', () => {
    const asked: string[] = []
    const rewritten = rewriteText(Buffer.from(document), (path, text) => {
      asked.push(`${path.join('/')}=${text}`)
      return path.at(-1) === 'Key' ? text.replace('p/', '') : undefined
    })
    expect(asked).toEqual(['R/Name=a', 'R/C/Key=p/x&y', 'R/C/Size=1', 'R/C/Key=p/<z>'])
    expect(rewritten.toString()).toBe(
      document.replace('p/x&amp;<!-- c -->y', 'x&amp;y').replace('<![CDATA[p/<z>]]>', '&lt;z&gt;'),
    )
  })

  test('the bytes themselves, when nothing is replaced', () => {
    const bytes = Buffer.from(document)
    expect(rewriteText(bytes, () => undefined)).toBe(bytes)
  })
})
