import { failure } from '../../errors.ts'

/** Text or bytes as bytes; the caller may not change them before the write has resolved. */
export function toBytes(data: unknown, syscall: string, path: string): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  throw failure('EINVAL', { syscall, path, detail: 'a file is made of bytes or text' })
}
