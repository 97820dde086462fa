declare module 'hyperdrive' {
  const Hyperdrive: new (store: unknown, key?: Uint8Array | string | null, opts?: object) => any
  type Hyperdrive = any
  export = Hyperdrive
}

declare module 'corestore' {
  const Corestore: new (storage: string | object, opts?: object) => any
  type Corestore = any
  export = Corestore
}

declare module 'hypercore' {
  const Hypercore: {
    createProtocolStream(isInitiator: unknown, opts?: object): any
  }
  export = Hypercore
}

declare module 'localdrive' {
  const Localdrive: new (root: string, opts?: object) => any
  type Localdrive = any
  export = Localdrive
}

declare module 'mirror-drive' {
  const MirrorDrive: new (source: unknown, destination: unknown, opts?: object) => any
  type MirrorDrive = any
  export = MirrorDrive
}

declare module 'serve-drive' {
  const ServeDrive: new (opts: object) => any
  export = ServeDrive
}

declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'streamx'

  interface PeerDiscovery {
    flushed(): Promise<void>
    refresh(opts: { server: boolean; client: boolean }): Promise<void>
    destroy(): Promise<void>
  }
  interface Connection extends Duplex {
    readonly noiseStream: Duplex
    setKeepAlive(ms: number): void
    setTimeout(ms: number): void
  }
  class Hyperswarm extends EventEmitter<{ connection: [Connection] }> {
    constructor(opts?: { dht?: unknown; keyPair?: object })
    readonly connections: ReadonlySet<Duplex>
    join(topic: Buffer, opts: { server: boolean; client: boolean }): PeerDiscovery
    flush(): Promise<boolean>
    destroy(): Promise<void>
  }
  export = Hyperswarm
}

declare module '@hyperswarm/testnet' {
  import type HyperDHT from 'hyperdht'

  interface Testnet {
    readonly bootstrap: { host: string; port: number }[]
    createNode(): HyperDHT
    destroy(): Promise<void>
  }
  const createTestnet: (size: number) => Promise<Testnet>
  export = createTestnet
}

declare module 'rache' {
  class Rache<K = unknown, V = unknown> {
    constructor(opts?: { maxSize?: number })
    static from<K, V>(cache: Rache): Rache<K, V>
    get(key: K): V | undefined
    set(key: K, value: V): void
    clear(): void
  }
  export = Rache
}

declare module 'hyperbee/lib/messages.js' {
  interface Message<T> {
    encode(message: T): Buffer
    decode(bytes: Uint8Array): T
  }
  export const Node: Message<{ index: Buffer; key: Buffer; value: Buffer | null }>
  export const YoloIndex: Message<{ levels: { keys: number[]; children: number[] }[] }>
}

declare module 'sub-encoder' {
  class SubEncoder {
    constructor(prefix: string, encoding: string)
    readonly prefix: Buffer
    encode(key: string | Uint8Array): Buffer
    encodeRange(range: object): object
    decode(key: Buffer): string
    sub(prefix: string, encoding?: string): SubEncoder
  }
  export = SubEncoder
}

declare module 'unix-path-resolve' {
  const resolve: (from: string, to?: string) => string
  export = resolve
}

declare module 'hypercore-id-encoding' {
  export const encode: (key: Uint8Array) => string
  export const decode: (id: string | Uint8Array) => Buffer
  export const normalize: (id: string | Uint8Array) => string
  export const isValid: (id: unknown) => boolean
}

declare module 'hypercore-storage' {
  const CorestoreStorage: new (folder: string, opts?: { writeBufferSize?: number }) => object
  export = CorestoreStorage
}

declare module 'hypercore-storage/lib/keys.js' {
  export const store: { coreByAlias(alias: { namespace: Buffer; name: string }): Buffer }
}

declare module 'hyperdht' {
  class HyperDHT {
    constructor(opts?: object)
    destroy(opts?: object): Promise<void>
  }
  export = HyperDHT
}
