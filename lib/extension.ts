import c from 'compact-encoding'
import type { Drive } from './drive.ts'
import { failure } from './errors.ts'

/** How messages become bytes: a name, or an object that encodes and decodes. */
export type ExtensionEncoding = 'json' | 'binary' | 'utf-8' | object

export interface ExtensionHandlers<T> {
  /** Default `binary`. */
  encoding?: ExtensionEncoding
  /** @param peer - the one that it came from, to answer to */
  onmessage?: (message: T, peer: unknown) => void
  /** A message that could not be decoded. */
  onerror?: (err: Error) => void
}

export interface Extension<T> {
  readonly name: string
  /** Sends a message to one peer. */
  send(message: T, peer: unknown): void
  /** Sends a message to all peers of the primary. */
  broadcast(message: T): void
  destroy(): void
}

interface ExtensibleCore {
  registerExtension(name: string, handlers: object): Extension<Buffer>
}

/** A MultiDrive has no core, but lends that of its primary. */
interface ExtensibleDrive {
  registerExtension<T>(name: string, handlers: ExtensionHandlers<T>): Extension<T>
}

/** Registers an extension message on a drive's core, or through a MultiDrive on that of its primary. What a peer sends is decoded here, so that bytes which make no sense harm nobody. */
export function registerExtension<T>(
  drive: Drive,
  name: string,
  handlers: ExtensionHandlers<T>
): Extension<T> {
  const { core } = drive as Drive & { core?: Partial<ExtensibleCore> | null }
  if (typeof core?.registerExtension !== 'function') {
    if (isExtensible(drive)) return drive.registerExtension(name, handlers)
    throw failure('DRIVE_INVALID', { drive, syscall: 'registerExtension', detail: 'it has no core' })
  }
  const { encoding = 'binary', onmessage, onerror } = handlers
  const codec = c.from(encoding as never) as c.Encoder<T>
  const encode = (message: T) => Buffer.from(c.encode(codec, message))
  const extension = (core as ExtensibleCore).registerExtension(name, {
    encoding: 'binary',
    onmessage: (bytes: Buffer, peer: unknown) => {
      let message: T
      try {
        message = c.decode(codec, bytes)
      } catch (err) {
        onerror?.(err as Error)
        return
      }
      onmessage?.(message, peer)
    }
  })
  return {
    name,
    send: (message, peer) => extension.send(encode(message), peer),
    broadcast: (message) => extension.broadcast(encode(message)),
    destroy: () => extension.destroy()
  }
}

function isExtensible(drive: object): drive is ExtensibleDrive {
  return 'registerExtension' in drive && typeof drive.registerExtension === 'function'
}
