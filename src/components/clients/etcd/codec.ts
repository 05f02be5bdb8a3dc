/** Messages of etcd to bytes and back, by protobufjs, which is loaded when a component on etcd is. */
import type protobuf from 'protobufjs/light.js'
import { type Fields, MESSAGES, type MessageName } from './messages.ts'

export class EtcdCodec {
  readonly #root: protobuf.Root

  private constructor({ Root }: typeof protobuf) {
    this.#root = Root.fromJSON({ nested: Object.fromEntries(Object.entries(MESSAGES).map(described)) })
  }

  static async load(): Promise<EtcdCodec> {
    return new EtcdCodec((await import('protobufjs/light.js')).default)
  }

  encoder<Message>(name: MessageName): (message: Message) => Buffer {
    const type = this.#root.lookupType(name)
    return message => Buffer.from(type.encode(type.fromObject(message as object)).finish())
  }

  decoder<Message>(name: MessageName): (bytes: Buffer) => Message {
    const type = this.#root.lookupType(name)
    return bytes => type.toObject(type.decode(bytes), { defaults: true, longs: BigInt }) as Message
  }
}

/** As protobufjs wants it. */
function described([name, fields]: [string, Fields]): [string, protobuf.IType] {
  const entries = Object.entries(fields).map(([field, [type, id]]): [string, protobuf.IField] => {
    const repeated = type.endsWith('[]')
    return [field, { type: repeated ? type.slice(0, -2) : type, id, ...(repeated && { rule: 'repeated' }) }]
  })
  return [name, { fields: Object.fromEntries(entries) }]
}
