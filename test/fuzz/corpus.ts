/**
 * Where the fuzzer begins, and what it and others have found: latin1, by target. The tests replay every row. What a
 * row was found with is said beside it.
 */
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

export const CORPUS: Readonly<Record<string, readonly string[]>> = {
  // The first byte chooses the limits (even: after authentication), the next two the sizes of the pieces.
  'request-scanner': [
    '\0\x01\x02*2\r\n$3\r\nGET\r\n$1\r\nk\r\n',
    '\0\x05\x07*3\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\nPING\r\n*1\r\n$4\r\nPING\r\n',
    '\x01\x01\x03*10\r\n$1\r\na\r\n*11\r\n',
    '\x01\x01\x03*2\r\n$16384\r\n',
    '\x01\x01\x03*2\r\n$16385\r\n',
    '\0\x03\x03*a\r\n',
    '\0\x03\x03*2147483648\r\n',
    '\0\x03\x03*+1\r\n',
    '\0\x03\x03*0\r\n*-1\r\n*-5\r\n\r\n \t\r\n*-9223372036854775808\r\n*-9223372036854775809\r\n',
    '\0\x03\x03*1\r\n$x\r\n',
    '\0\x03\x03*1\r\n$-1\r\n',
    '\0\x03\x03*1\r\n$4294967296\r\n',
    '\0\x03\x03*1\r\n$536870913\r\n',
    '\0\x03\x03*1\r\n+PING\r\n',
    '\0\x03\x03*1\r\n$4\r\nPINGxx',
    '\0\x03\x03SET "a\r\n',
    "\0\x03\x03SET 'a\\'b' \"\\x41\\n\"\n",
    '\0\x03\x03*1000000000000000000000000000000\r\n',
    // A length with a leading zero; a count that no 64 bit integer holds: taken for what they are not.
    '\x01\x03\x03*01\r\n',
    '\x01\x03\x03*1\r\n$01\r\n',
    '\0\x03\x03*-99999999999999999999\r\n',
  ],
  // The first byte chooses how much is held back, the next two the sizes of the pieces.
  'reply-scanner': [
    '\0\x01\x02+OK\r\n-ERR x\r\n:1\r\n$3\r\nabc\r\n$-1\r\n*-1\r\n*0\r\n',
    '\x03\x04\x05*2\r\n*2\r\n$1\r\na\r\n:1\r\n*1\r\n$0\r\n\r\n',
    '\x01\x04\x05%1\r\n+k\r\n~2\r\n#t\r\n_\r\n',
    '\x02\x04\x05|1\r\n+ttl\r\n:3\r\n>2\r\n+pubsub\r\n+m\r\n=7\r\ntxt:abc\r\n!5\r\nERR x\r\n(123456789012345678901234567890\r\n,1.5\r\n',
    '\0\x01\x01$100\r\nxxxxxxxx',
    '\x05\x07\x09$20\r\n01234567890123456789\r\n+OK\r\n',
    // A bulk whose LF is another byte, as it is and while it leaves in pieces.
    '\0\x01\x02$1\r\na\rX',
    '\0\x01\x02$9\r\nabcdefghi\rX+OK\r\n',
    // A null of what has none, and an attribute that is a null: the decoder read on, the scanner did not.
    '\0\x01\x02|-1\r\n',
    '\0\x01\x02%-1\r\n+a\r\n',
    '\0\x01\x02$-01\r\n',
    // A line with a CR of its own.
    '\0\x01\x02+a\rb\r\n',
    '\0\x01\x02*99999999999999999999\r\n',
  ],
  inline: [
    'PING\r\n',
    "SET k \"two words\" 'a\\'b'\r\n",
    '"\\x41\\n\\q\\"" x',
    'a"b"c',
    // Envoy's crash, unauthenticated: an escape that is cut off.
    'GET "x\\x4"',
    'GET "\\x',
    '"a\\',
    'a b\0 c "',
  ],
  values: [
    '*2\r\n:1\r\n$1\r\na\r\n',
    '%1\r\n+k\r\n~2\r\n#t\r\n_\r\n',
    '|1\r\n+ttl\r\n:3\r\n*1\r\n,1.5\r\n',
    '(123456789012345678901234567890\r\n:9223372036854775807\r\n',
    '=7\r\ntxt:abc\r\n!5\r\nERR x\r\n>1\r\n$-1\r\n*-1\r\n',
    '*1\r\n'.repeat(70),
    // A push that is a null, as the decoder thought; jazzer.
    '>-1\r\n$-1\r\n',
  ],
  glob: [
    '\x01*abc',
    '\x04h?l*hello',
    '\x06h[a-e]oheo',
    '\x07h[^a-z]h1',
    '\x02\\**',
    '\x03[\\]]',
    '\x02[a',
    '\x04[a-b',
    '\x08*a*a*a*baaaaaaaaaaaaaaaaaaaaaaaaaa',
    '\x05[\xff-\x01]\x00',
  ],
  'proxy-header': [
    'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nGET',
    'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n',
    'PROXY UNKNOWN 10.0.0.1 10.0.0.2 1 2\r\n',
    `${SIGNATURE}\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb`,
    `${SIGNATURE}\x21\x21\0\x24${'\x20\x01\x0d\xb8'.repeat(8)}\0\x01\0\x02`,
    `${SIGNATURE}\x21\x31\0\xd8/run/a${'\0'.repeat(102)}/run/b${'\0'.repeat(102)}`,
    `${SIGNATURE}\x20\0\0\0`,
    `${SIGNATURE}\x21\x11\0\x16\xc0\0\x02\x01\xc6\x33\x64\x07\xdc\x04\x01\xbb\x02\0\x04http\x04\0\0`,
  ],
  // Command, capabilities and what is allowed, MariaDB's capabilities, two sizes of pieces; then a response.
  'mysql-response': [
    '\x0e\0\0\x02\x03\x07\0\0\x01\0\0\0\x02\0\0\0',
    '\x0e\x41\0\x02\x03\x11\0\0\x01\0\0\0\x02\x40\0\0\0\x08\x05\x06\x05\x05abcde',
    '\x03\0\0\x01\x02\x01\0\0\x01\x01\x03\0\0\x02def\x05\0\0\x03\xfe\0\0\x02\0\x02\0\0\x04\x01a\x05\0\0\x05\xfe\0\0\x02\0',
    '\x03\x02\0\x01\x02\x01\0\0\x01\x01\x03\0\0\x02def\x02\0\0\x03\x01a\x07\0\0\x04\xfe\0\0\x0a\0\0\0\x07\0\0\x05\0\x01\x01\x02\0\0\0',
    '\x03\x20\0\x01\x02\x05\0\0\x01\xfbname\x07\0\0\x09\0\x02\0\x02\0\0\0',
    '\x03\0\0\x01\x02\x05\0\0\x01\xfbname\x07\0\0\x04\0\0\0\x02\0\0\0',
    '\x03\0\x01\x01\x02\x06\0\0\x01\xff\xff\xff\x01\x01\x01\x0c\0\0\x02\xff\x28\x04#42000why',
    '\x16\x80\0\x01\x02\x0c\0\0\x01\0\x09\0\0\0\x01\0\x01\0\0\0\0\x03\0\0\x02def\x05\0\0\x03\xfe\0\0\x02\0\x03\0\0\x04def\x05\0\0\x05\xfe\0\0\x02\0',
    '\x11\0\0\x01\x02\x05\0\0\x01\xfexyz\0\x02\0\0\x03\x01\x03\x07\0\0\x04\0\0\0\x02\0\0\0',
    // Ids of frames on packets, written anew; a row of 16 MiB that is continued; OUT parameters of MySQL 9.7.
    '\x03\x10\0\x01\x02\x01\0\0\x01\x01\x03\0\0\x02def\x05\0\0\x07\xfe\0\0\x02\0\x02\0\0\x08\x01a\x05\0\0\x02\xfe\0\0\x02\0',
    '\x1c\0\0\x01\x02\xff\xff\xff\x01aaaaaaaaaaaaaaaa',
    '\x17\0\0\x01\x02\x01\0\0\x01\x01\x03\0\0\x02def\x05\0\0\x03\xfe\x01\0\x0a\x10\x02\0\0\x04\0\0\x05\0\0\x05\xfe\0\0\x02\0\x07\0\0\x06\0\0\0\x02\0\0\0',
  ],
  // Two sizes of pieces; then commands, longer ones than 16 bytes in pieces.
  'mysql-packets': [
    '\x01\x02\x01\0\0\0\x0e\x09\0\0\x01\x03SELECT 1',
    '\x03\x02\x14\0\0\0\x03SELECT 12345678901234\x01\0\0\x01\x01',
    '\x03\x02\x41\0\0\0',
    '\x03\x02\0\0\0\x05',
  ],
  // Greeting, login, COM_CHANGE_USER, AuthSwitchRequest, ERR, OK, session trackers, a text result.
  'mysql-payloads': [
    '\0\x0a8.0\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xc3\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0',
    '\x01\x08\x82\x08\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0app\0\x04abcdapp\0mysql_native_password\0',
    '\x02\x11app\0\x04abcdapp\0\x2d\0mysql_native_password\0\x05\x01a\x02bc',
    '\x03\xfemysql_native_password\0abcdefghijklmnopqrst\0',
    '\x04\xff\x15\x04#28000Access denied',
    '\x04\xff\x10\x04Too many connections',
    '\x05\0\xfc\x01\x02\xfe\0\0\0\0\0\0\0\x80\x02\x40\0\0\x02hi\x03\x02\x01\x31',
    '\x05\xfe\0\0\x02\0',
    '\x06\0\x0f\x0aautocommit\x03OFF\x01\x04\x03app\x02\x02\x011\x03\x03\0\x01g\x04\x01\0\x05\x09\x08T_______',
    '\x07\x01\0\0\x01\x01\x0b\0\0\x02\x03def\0\0\0\x01n\0\x0c\0\x05\0\0\x03\xfe\0\0\x02\0\x02\0\0\x04\x01a\x05\0\0\x05\xfe\0\0\x02\0',
  ],
  // The size of pieces; then frames of the compressed protocol.
  'mysql-frames': [
    '\x03\x05\0\0\0\0\0\0hello',
    '\x03\x0c\0\0\x01\x32\0\0x\x9cKL\x1c\x05\xa3\0\0\x13\x94',
    '\x03\xff\xff\xff\0\xff\xff\xffx\x9c',
    '\x03\0\0\0\0\x01\0\0',
  ],
  // Two sizes of pieces; then requests.
  'http-requests': [
    '\x07\x03GET /b/k?x-id=GetObject HTTP/1.1\r\nHost: a:9000\r\nX-A: \t b c \t\r\n\r\nHEAD / HTTP/1.1\r\nhost:a\r\n\r\n',
    '\x07\x03PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\nhello\r\nDELETE /k HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02POST /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: v \r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\nGET /3 HTTP/1.0\r\n\r\n',
    '\x05\x02GET http://a/k HTTP/1.1\r\nHost: A\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: ,close, x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    // Node takes this for Connection: close.
    '\x05\x02GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n',
    // A tab that is a part of the value for Node; an upgrade that is none for us.
    '\x05\x02POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n',
    '\x05\x02POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    // Bytes above ASCII.
    '\x05\x02GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x05\x02GET / HTTP/1.1\r\nHost: a\r\nX-A: \xc3\xa9\xa0\r\n\r\n',
  ],
  // Two sizes of pieces, the first one for HEAD when its remainder by four is three; then responses.
  'http-responses': [
    '\x05\x02HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "x"\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n',
    '\x05\x02HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
    '\x07\x02HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 \xc3\xa9\r\n\r\n',
    // Node takes this for a body that ends with the connection.
    '\x05\x02HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n',
    // Node looks for the body that no interim response may have.
    '\x05\x02HTTP/1.1 108 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    '\x05\x02HTTP/1.0 200 OK\r\nServer: x\r\n\r\nuntil the end',
    '\x05\x02HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nabHTTP/1.0 500 x\r\nContent-Length: 0\r\n\r\n',
    '\x05\x02HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ],
}
